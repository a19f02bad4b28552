// Chapter 10: from noise to a latent, in DDIM steps with guidance. See autograder/reference/sampling.py.
import { lerp, slerp } from "./blend.js";
import { decode, unet } from "./model.js";
import { normalNoise } from "./noise.js";
import { encode } from "./text_encoder.js";
import { timestepEmbedding } from "./time.js";
import { temporary, tensorOf } from "./memory.js";

// `count` timesteps from noisy to clean, evenly spaced.
export function ddimTimesteps(count, timesteps) {
  return Array.from({ length: count }, (_, i) => roundHalfEven(timesteps - (timesteps / count) * i) - 1);
}

// As NumPy rounds: 937.5 and 938.5 to 938.
function roundHalfEven(x) {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 ? below + 1 : below;
}

// The noise in the latent, without the prompt and with it, each as long as `latent`.
function predictNoise(net, latent, timestep, share, contexts) {
  const { unet: config, latent_side: side, max_period: maxPeriod } = net.config;
  const twice = (values) => [...values, ...values];
  const embedding = timestepEmbedding(timestep, config.channels[0], maxPeriod);
  const predicted = temporary(() => unet(
    net,
    tensorOf([2, side, side, config.latent_channels], twice(latent)),
    tensorOf([2, config.channels[0]], twice(embedding)),
    tensorOf([2, net.config.text.length, config.context_dim], contexts),
  ).data.slice());
  // It was trained to predict v = sqrt(share) eps - sqrt(1 - share) x0.
  const fromV = (v, i) => Math.sqrt(share) * v + Math.sqrt(1 - share) * latent[i % latent.length];
  const eps = net.config.predicts === "v" ? predicted.map(fromV) : predicted;
  return [eps.subarray(0, latent.length), eps.subarray(latent.length)];
}

// The contexts of the empty prompt and of the prompt, or of what it is blended to; the gain "text" goes from the one to
// the other.
function contextsOf(net, prompt, blend) {
  const nothing = encode(net, ""), out = new Float32Array(2 * nothing.length);
  const told = blend?.promptShare ? lerp(encode(net, prompt), encode(net, blend.prompt), blend.promptShare) : encode(net, prompt);
  out.set(nothing);
  out.set(lerp(nothing, told, net.gain("text")), nothing.length);
  return out;
}

// What a drawing starts from, and the timesteps that it walks: noise and all of them; or, where `start` is {latent,
// strength}, that latent made noisy, and the share `strength` of them that is left. See start_from_picture in
// autograder/reference/samplers.py.
function beginningOf(net, { seed = 0, steps = 25, blend = null, start = null }) {
  const { latent_side: side, timesteps, unet: config } = net.config, times = ddimTimesteps(steps, timesteps);
  const noise = noiseOf(seed, blend, side * side * config.latent_channels);
  if (!start) return { latent: noise, times };
  const left = times.slice(steps - Math.trunc(steps * start.strength)), share = net.weights.alpha_bars[left[0]] ?? 1;
  const noisy = noise.map((value, i) => Math.sqrt(share) * start.latent[i] + Math.sqrt(1 - share) * value);
  return { latent: noisy, times: left };
}

function noiseOf(seed, blend, count) {
  const noise = normalNoise(seed, count);
  return blend?.seedShare ? slerp(noise, normalNoise(blend.seed, count), blend.seedShare) : noise;
}

// Draws a prompt, one step at a time. What it gives: step (from 1), timestep, latent after the step, and `expected`,
// the clean latent that it expects at the end; `halves`, what it expects without the prompt and with it. All are arrays
// of their own.
//
// gains: {name: factor}, see Net.gain; watch(name, tensor, step), see Net.see; maps: attention to draw with, of each
// step, see Net.maps; blend: another prompt and seed with the shares of them, {prompt, promptShare, seed, seedShare};
// start: a latent to draw on from, {latent, strength}, with the last of the steps only.
export function* draw(net, wish) {
  const { prompt, guidance = 4, gains = {}, watch = null, maps = null, blend = null } = wish;
  const shares = net.weights.alpha_bars;
  net.gains = gains;
  const contexts = contextsOf(net, prompt, blend);
  let { latent, times } = beginningOf(net, wish);
  for (let i = 0; i < times.length; i++) {
    Object.assign(net, { gains, maps: maps && maps[i] }); // another drawing may have come between
    net.watch = watch && ((name, tensor) => watch(name, tensor, i + 1));
    const share = shares[times[i]], next = i + 1 < times.length ? shares[times[i + 1]] : 1;
    const [without, told] = predictNoise(net, latent, times[i], share, contexts);
    const eps = without.map((value, j) => value + guidance * (told[j] - value));
    const cleanOf = (noise) => latent.map((value, j) => (value - Math.sqrt(1 - share) * noise[j]) / Math.sqrt(share));
    const expected = cleanOf(eps), halves = [cleanOf(without), cleanOf(told)];
    latent = expected.map((value, j) => Math.sqrt(next) * value + Math.sqrt(1 - next) * eps[j]);
    yield { step: i + 1, timestep: times[i], latent, expected, halves };
  }
}

// A latent as RGBA pixels of a picture.
export function pictureOf(net, latent) {
  const { latent_side: side, unet: config } = net.config;
  net.watch = null;
  const clean = { shape: [1, side, side, config.latent_channels], data: latent };
  const rgb = temporary(() => decode(net, clean).data.slice());
  const out = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0; i < rgb.length; i++) out[4 * Math.floor(i / 3) + (i % 3)] = (rgb[i] + 1) * 127.5; // rounds and clips
  return out;
}
