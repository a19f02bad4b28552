// Chapter 1: denoising with the desired picture known, and with the exact guess at what is under the noise. The world,
// the guess and the steps are those of the chapter's cells.
import { normalNoise } from "./noise.js";

export const SIDE = 24;
const PLACES = Array.from({ length: 12 }, (_, i) => i + 6); // rows and columns where a shape may stand
const RADIUS = 5;
const [MOST, LEAST] = [80, 0.01]; // of the noise: its standard deviation at the start and at the end
const SHAPES = {
  disc: (across, down) => across ** 2 + down ** 2 < RADIUS ** 2,
  square: (across, down) => Math.max(across, down) < RADIUS,
  cross: (across, down) => Math.max(across, down) < RADIUS && Math.min(across, down) < 2,
};

// A picture, white (1) where a test says so, black (-1) elsewhere.
function picture(inside) {
  return Float32Array.from({ length: SIDE ** 2 }, (_, i) => (inside(i % SIDE, Math.floor(i / SIDE)) ? 1 : -1));
}

const shapeAt = (shape, row, column) => (x, y) => SHAPES[shape](Math.abs(x - column), Math.abs(y - row));
const [first, second] = [shapeAt("disc", 7, 8), shapeAt("cross", 16, 15)];

export const desired = picture((x, y) => first(x, y) || second(x, y));
export const world = Object.keys(SHAPES).flatMap((shape) =>
  PLACES.flatMap((row) => PLACES.map((column) => picture(shapeAt(shape, row, column)))),
);

function squaredDistance(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum;
}

// The average of the world's pictures, weighted with how well each fits: {towards, count}; count says how many share
// the weight.
export function guess(image, sigma) {
  const scores = world.map((known) => -squaredDistance(image, known) / (2 * sigma ** 2)), most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most)), sum = weights.reduce((a, b) => a + b, 0);
  const towards = new Float32Array(SIDE ** 2);
  world.forEach((known, k) => {
    for (let i = 0; i < towards.length; i++) towards[i] += (weights[k] / sum) * known[i];
  });
  return { towards, count: sum ** 2 / weights.reduce((a, b) => a + b * b, 0) };
}

const stepped = (image, towards, alpha) => image.map((value, i) => value - alpha * (value - towards[i]));

// All pictures on the way to the desired one, start included: {image, towards, left}, the share of the error that is left.
export function denoise({ alpha, steps, seed }) {
  const start = normalNoise(seed, SIDE ** 2), far = squaredDistance(start, desired), pictures = [start];
  while (pictures.length <= steps) pictures.push(stepped(pictures.at(-1), desired, alpha));
  return pictures.map((image) => ({ image, towards: desired, left: Math.sqrt(squaredDistance(image, desired) / far) }));
}

// All pictures of a drawing that has to guess: {image, sigma, towards, count}.
export function draw({ steps, seed }) {
  let image = normalNoise(seed, SIDE ** 2).map((value) => MOST * value);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const sigmaAt = (step) => MOST * (LEAST / MOST) ** (step / steps), sigma = sigmaAt(i), now = image;
    const { towards, count } = guess(now, sigma);
    image = stepped(now, towards, 1 - sigmaAt(i + 1) / sigma);
    return { image: now, sigma, towards, count };
  });
}
