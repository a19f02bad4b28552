// The page "Play", the front page, and the chapters' switches.
import { Form } from "./form.js";
import { Player } from "./player.js";

Form.beginAll("play", (root) => new Player(root));
