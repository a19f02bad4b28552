// Runs the live UNet in Node for the tests: `node run.mjs JOB.json OUT.safetensors`. What a job holds: see `JOBS`.
import { readFile, writeFile } from "node:fs/promises";
import * as denoising from "../../book/live/denoising.js";
import { exp } from "../../book/live/exp.js";
import { Latent } from "../../book/live/latent.js";
import * as layers from "../../book/live/layers.js";
import { MapKeeper, meanShares } from "../../book/live/maps.js";
import { tensorOf, temporary } from "../../book/live/memory.js";
import { decode, unet } from "../../book/live/model.js";
import { normalNoise } from "../../book/live/noise.js";
import { ddimTimesteps, draw, pictureOf } from "../../book/live/sampling.js";
import { TapKeeper, picturesOf } from "../../book/live/taps.js";
import { encode } from "../../book/live/text_encoder.js";
import { similarity, timestepEmbedding, turnOf } from "../../book/live/time.js";
import { loadNet, readSafetensors } from "../../book/live/weights.js";
import { nextWords, tokenize, troubleWith } from "../../book/live/words.js";

const bytesOf = async (path) => {
  const file = await readFile(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};
const collected = {}; // name: {shape, data}
const keep = (name, shape, data) => (collected[name] = { shape: [...shape], data: Float32Array.from(data) });
const loadOf = async ({ weights, program }) => loadNet(await bytesOf(weights), program ? await bytesOf(program) : null);

const JOBS = {
  // One call of the UNet on arrays of a file, every tensor kept.
  async blocks(job) {
    const net = await loadOf(job), { arrays } = readSafetensors(await bytesOf(job.inputs));
    Object.assign(net, { gains: job.gains, watch: (name, { shape, data }) => keep(name, shape, data) });
    const [latent, embedding, context] = ["latent", "embedding", "context"].map((name) => arrays[name]);
    temporary(() => unet(net, ...[latent, embedding, context].map(({ shape, data }) => tensorOf(shape, data))).shape);
    return { product: net.product };
  },

  // Drawings, one after the other: their last latents and pictures.
  async draw(job) {
    const net = await loadOf(job), milliseconds = [];
    for (const [i, wish] of job.wishes.entries()) {
      let last, began = performance.now();
      for (const step of draw(net, wish)) {
        milliseconds.push(performance.now() - began);
        began = performance.now();
        last = step;
      }
      keep(`latent${i}`, [last.latent.length], last.latent);
      const picture = pictureOf(net, last.latent);
      keep(`picture${i}`, [picture.length], picture);
    }
    return { milliseconds, product: net.product };
  },

  // The attention maps of a drawing, each step's: the mean over layers and heads, and one head of the first layer.
  async maps(job) {
    const net = await loadOf(job), keeper = new MapKeeper();
    for (const { step } of draw(net, { ...job.wish, watch: keeper.watch })) {
      const maps = keeper.take(), { pixels, words } = maps[job.layers[0]];
      keep(`mean${step}`, [pixels, words], meanShares(maps, job.layers));
      keep(`head${step}`, [pixels, words], meanShares(maps, [job.layers[0]], 1));
    }
    return {};
  },

  // A drawing with its maps, what its blocks give and its halves; then prompts drawn with those maps, and with their own.
  async looks(job) {
    const net = await loadOf(job), maps = new MapKeeper(), taps = new TapKeeper(job.wish.taps), kept = [], shapes = {};
    const watch = (name, tensor) => [maps, taps].forEach((keeper) => keeper.watch(name, tensor));
    for (const { step, latent, halves } of draw(net, { ...job.wish, watch })) {
      kept.push(maps.take());
      if (step === 1) halves.forEach((half, i) => keep(`half${i}`, [half.length], half));
      keep("latent", [latent.length], latent); // the last one stays
    }
    for (const [name, { height, width, channels }] of Object.entries(taps.take())) shapes[name] = [height, width, channels];
    for (const [i, prompt] of job.prompts.entries())
      for (const used of [true, false]) {
        const wish = { ...job.wish, prompt, watch: maps.watch, maps: used ? kept : null };
        for (const { step, latent } of draw(net, wish)) {
          const seen = maps.take();
          if (used) keep(`latent${i}`, [latent.length], latent);
          for (const [layer, { heads, pixels, words, data }] of i ? Object.entries(seen) : []) {
            const shape = [heads, pixels, words];
            keep(`${used ? "used" : "own"}-${layer}-${step}`, shape, data);
            keep(`map-${layer}-${step}`, shape, kept[step - 1][layer].data);
          }
        }
      }
    const twice = [...Array(6).fill(9), 0, 2, 0.5, -4, -1, 0]; // (2, 1, 3, 2): the second half counts
    const { pixels } = picturesOf({ shape: [2, 1, 3, 2], data: Float32Array.from(twice) });
    keep("pixels", [pixels.length], pixels);
    return { layers: Object.keys(kept[0]).length, taps: shapes };
  },

  // Chapter 1: both runs, every picture, and how many of the world's count.
  async denoising({ known, guessed }) {
    const flat = (states, name) => states.flatMap((state) => [...state[name]]);
    const [to, by] = [denoising.denoise(known), denoising.draw(guessed)], size = denoising.SIDE ** 2;
    keep("known", [to.length, size], flat(to, "image"));
    for (const name of ["image", "towards"]) keep(name, [by.length, size], flat(by, name));
    keep("world", [denoising.world.length, size], denoising.world.flatMap((picture) => [...picture]));
    return { left: to.map(({ left }) => left), counts: by.map(({ count }) => count) };
  },

  // A decoder alone: latents of a file, decoded, and as pixels; then one of its own that is painted on.
  async decode(job) {
    const net = await loadOf(job), { latents } = readSafetensors(await bytesOf(job.latents)).arrays, milliseconds = [];
    const [count, side, , channels] = latents.shape, size = side * side * channels;
    for (let i = 0; i < count; i++) {
      const latent = latents.data.slice(i * size, (i + 1) * size), began = performance.now();
      const picture = pictureOf(net, latent);
      milliseconds.push(performance.now() - began);
      keep(`pixels${i}`, [8 * side, 8 * side, 4], picture);
      temporary(() => keep(`picture${i}`, [8 * side, 8 * side, 3], decode(net, tensorOf([1, side, side, channels], latent)).data));
    }
    const own = (i) => net.weights.latents.slice(i * size, (i + 1) * size), painted = new Latent(own(0), { side, channels });
    const shape = [side, side, channels], states = {};
    for (const [name, act] of [
      ["own", () => painted.begin()],
      ["set", () => painted.set({ x: 0, y: 5, size: 3 }, 2, 9)],
      ["brought", () => (painted.begin(), painted.bring({ x: 15, y: 15, size: 4 }, own(1)))],
      ["undone", () => painted.undo()],
      ["twice", () => painted.undo()],
      ["reset", () => (painted.set({ x: 8, y: 8, size: 8 }, 0, 1), painted.reset())],
    ]) {
      act();
      keep(name, shape, painted.data);
      states[name] = painted.changed;
    }
    return { product: net.product, milliseconds, changed: states };
  },

  // The clock of chapter 2.
  async clock({ pairs, dim, hands }) {
    for (const t of new Set(pairs.flat())) keep(`${t}`, [dim], timestepEmbedding(t, dim, 10000));
    const near = ([t, u]) => similarity(...[t, u].map((time) => timestepEmbedding(time, dim, 10000)));
    return { similar: pairs.map(near), turns: hands.map((i) => turnOf(i, dim / 2, 10000)) };
  },

  // Sentences as the UNet is told them.
  async text(job) {
    const net = await loadOf(job), { length } = net.config.text;
    job.prompts.forEach((prompt, i) => {
      const context = encode(net, prompt);
      keep(`context${i}`, [length, context.length / length], context);
    });
    return { troubles: job.prompts.map((prompt) => troubleWith(prompt, net.config.text)) };
  },

  // What has no weights.
  async rest(job) {
    for (const seed of job.seeds) keep(`noise${seed}`, [job.count], normalNoise(seed, job.count));
    for (const t of job.timesteps) keep(`embedding${t}`, [job.dim], timestepEmbedding(t, job.dim, 10000));
    const net = await loadOf(job);
    job.prompts.forEach((prompt, i) => keep(`context${i}`, [net.config.text.length, net.config.unet.context_dim], encode(net, prompt)));
    temporary(() => {
      const x = tensorOf([job.numbers.length], job.numbers);
      keep("gelu", x.shape, layers.gelu(x, false).data);
      keep("gelu-tanh", x.shape, layers.gelu(x, true).data);
    });
    keep("exp", [job.exponents.length], job.exponents.map(exp));
    const walk = (picks) => picks.reduce(({ said, choices, ended }, pick) => {
      const next = ended ? [] : nextWords(said, job.language), choice = next[Math.floor(pick * next.length)];
      return choice ? { said: [...said, ...choice.split(" ")], choices: [...choices, choice] } : { said, choices, ended: true };
    }, { said: [], choices: [] }).choices;
    return {
      walks: job.walks.map(walk),
      extremes: [-1000, 0, 1000].map(exp).map(Math.fround),
      times: job.steps.map((steps) => ddimTimesteps(steps, 1000)),
      tokens: job.prompts.map((prompt) => tokenize(prompt, net.config.text)),
      troubles: job.wrong.map((text) => troubleWith(text, net.config.text)),
      next: job.said.map((said) => nextWords(said, job.language)),
    };
  },
};

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const answer = await JOBS[job.kind](job);
const header = { __metadata__: { answer: JSON.stringify(answer) } };
let end = 0;
for (const [name, { shape, data }] of Object.entries(collected))
  header[name] = { dtype: "F32", shape, data_offsets: [end, (end += data.byteLength)] };
const text = Buffer.from(JSON.stringify(header)), size = Buffer.alloc(8);
size.writeBigUInt64LE(BigInt(text.length));
const numbers = Object.values(collected).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
await writeFile(process.argv[3], Buffer.concat([size, text, ...numbers]));
