// Between two noises, and between two contexts. share: 0 is the first of the two, 1 the second.
import { similarity } from "./time.js";

// Along a straight line.
export const lerp = (from, to, share) => from.map((value, i) => value + share * (to[i] - value));

// Along the arc between them. Halfway along the straight line two noises would be shorter than noise is, by the square
// root of 2. Reference: Shoemake, "Animating Rotation with Quaternion Curves" (1985).
export function slerp(from, to, share) {
  const angle = Math.acos(Math.min(1, Math.max(-1, similarity(from, to)))), whole = Math.sin(angle);
  if (whole < 1e-6) return lerp(from, to, share); // the same noise twice
  const [a, b] = [Math.sin((1 - share) * angle) / whole, Math.sin(share * angle) / whole];
  return from.map((value, i) => a * value + b * to[i]);
}
