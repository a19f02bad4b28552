// The course's blocks in the order of its chapters, then the UNet and the decoder.
//
// `net` is a Net: it knows the weights and the config, who looks (`see`) and what is scaled or switched off (`gain`).
// Names are those of the course's Keras model: "down0_res0", "up1_transformer2/attn2".
//
// Shapes: B batch, H W height and width of a feature map, C channels, E features of the time, S query tokens (H·W),
// T words, F features of a word.
import {
  add, addToPixels, concat, conv2d, convTranspose, dense, gated, groupNorm, layerNorm, nearest2x, scale, silu, tanh,
} from "./layers.js";
import { attend, attentionWeights, replaceShares, unpadded } from "./attention.js";
import { scoped, tensor, tensorOf } from "./memory.js";

const LEVELS = 4;
const KEPT = 3; // feature maps that the way down keeps for the way up, of each level

export class Net {
  // weights: a tree of arrays and kernels by name (weights.js); config: what the file of weights says of itself.
  constructor(weights, config) {
    this.weights = weights;
    this.config = config;
    this.gains = {};
    this.watch = null;
    this.maps = null; // of cross-attention, by layer (maps.js): what is used in place of its own
  }

  // The factor of a part that has several names, from the general to the particular: what is set for each, multiplied.
  gain(...names) {
    return names.reduce((product, name) => product * (this.gains[name] ?? 1), 1);
  }

  // Shows a tensor to who watches: watch(name, tensor). It lies in the shared memory: whoever keeps it copies it.
  see(name, tensor) {
    this.watch?.(name, tensor);
    return tensor;
  }
}

// ------------------------------------------------------------------------------------- chapter 3: ResBlock

// x (B, H, W, C), time (B, E).
export function resBlock(net, name, x, time) {
  const w = net.weights.unet[name], { norm_epsilon, groups } = net.config.unet;
  let h = net.see(`${name}/norm1`, groupNorm(x, w.norm1, norm_epsilon, groups));
  h = net.see(`${name}/conv1`, conv2d(silu(h), w.conv1));
  h = addToPixels(h, net.see(`${name}/dense`, dense(silu(time), w.dense)));
  h = net.see(`${name}/norm2`, groupNorm(h, w.norm2, norm_epsilon, groups));
  h = net.see(`${name}/conv2`, conv2d(silu(h), w.conv2));
  const shortcut = w.residual_projection ? conv2d(x, w.residual_projection) : x;
  return net.see(name, add(shortcut, h, net.gain(name)));
}

// ---------------------------------------------------------- chapters 4 to 6: SpatialTransformer and what is in it

// x (B, H, W, C), context (B, T, F); level: 0 is the largest feature map.
export function spatialTransformer(net, name, level, x, context) {
  const w = net.weights.unet[name], { transformer_norm_epsilon, groups } = net.config.unet;
  const [batch, height, width, channels] = x.shape;
  const normal = net.see(`${name}/norm`, groupNorm(x, w.norm, transformer_norm_epsilon, groups));
  const tokens = { ...dense(normal, w.proj1), shape: [batch, height * width, channels] };
  const mixed = transformerBlock(net, name, level, net.see(`${name}/proj1`, tokens), context);
  const out = { ...dense(net.see(`${name}/transformer_block`, mixed), w.proj2), shape: x.shape };
  return net.see(name, add(x, net.see(`${name}/proj2`, out), net.gain(name)));
}

// x (B, S, C): self-attention, cross-attention, a gated feed-forward network, each normalised before and added after.
export function transformerBlock(net, name, level, x, context) {
  const w = net.weights.unet[name].transformer_block, { layer_norm_epsilon, gelu_approximate } = net.config.unet;
  const normal = (i) => layerNorm(x, w[`norm${i}`], layer_norm_epsilon);
  const gain = (part, i) => net.gain(part, `${part}-${level}`, `${name}/attn${i}`);
  const self = normal(1);
  x = add(x, crossAttention(net, `${name}/attn1`, w.attn1, self, self), gain("self-attention", 1));
  x = add(x, crossAttention(net, `${name}/attn2`, w.attn2, normal(2), context), gain("cross-attention", 2));
  const hidden = net.see(`${name}/geglu`, gated(dense(normal(3), w.geglu.dense), gelu_approximate));
  return add(x, net.see(`${name}/dense`, dense(hidden, w.dense)), net.gain(`${name}/dense`));
}

// From x (B, S, C) to context (B, T, F): (B, S, C).
export function crossAttention(net, name, w, x, context) {
  const heads = w.to_q.kernel.n / net.config.unet.head_size;
  const weights = attentionWeights(dense(x, w.to_q), dense(context, w.to_k), heads);
  if (net.maps && name.endsWith("/attn2")) replaceShares(weights, net.maps[name.replace("/attn2", "")]);
  if (net.watch) net.see(`${name}/weights`, unpadded(weights)); // (B, N, S, T)
  const found = scaleHeads(net, attend(weights, dense(context, w.to_v)), heads);
  return net.see(name, dense(found, w.out_proj));
}

// What each head found (B, S, N·D), times its gain.
function scaleHeads(net, x, heads) {
  const gains = Array.from({ length: heads }, (_, head) => net.gain(`head-${head}`));
  if (gains.every((gain) => gain === 1)) return x;
  const out = tensor(x.shape), width = x.shape.at(-1), size = width / heads;
  for (let i = 0; i < x.data.length; i++) out.data[i] = x.data[i] * gains[Math.floor((i % width) / size)];
  return out;
}

// --------------------------------------------------------------------------------- chapters 7 to 9: the UNet

// latent (B, H, W, 4), embedding (B, C) of the time, context (B, T, F): what the network predicts, as latent.
export function unet(net, latent, embedding, context) {
  const w = net.weights.unet, { norm_epsilon, groups } = net.config.unet;
  net.see("context", context);
  const time = scoped(() => timeMlp(net, embedding));
  const flow = { net, time, context };
  const { x: deepest, outputs } = downFlow(flow, latent);
  const middle = middleFlow(flow, deepest);
  const x = upFlow(flow, middle, outputs);
  const normal = net.see("exit_norm", groupNorm(x, w.exit_norm, norm_epsilon, groups));
  return net.see("conv_out", conv2d(silu(normal), w.conv_out));
}

function timeMlp(net, embedding) {
  const { time_dense1, time_dense2 } = net.weights.unet;
  const time = net.see("time_dense2", dense(silu(dense(embedding, time_dense1)), time_dense2));
  return scale(time, net.gain("time"));
}

export function downFlow({ net, time, context }, latent) {
  const w = net.weights.unet;
  let x = net.see("conv_in", conv2d(latent, w.conv_in));
  const outputs = [x];
  for (let level = 0; level < LEVELS; level++) {
    for (let i = 0; i < KEPT - 1; i++) {
      x = scoped(() => resBlock(net, `down${level}_res${i}`, x, time));
      const transformer = `down${level}_transformer${i}`;
      if (level < LEVELS - 1) x = scoped(() => spatialTransformer(net, transformer, level, x, context));
      outputs.push(x);
    }
    const last = `down${level}_conv`;
    if (level < LEVELS - 1) outputs.push((x = scoped(() => net.see(last, conv2d(x, w[last], 2))))); // H, W halve
  }
  return { x, outputs };
}

export function middleFlow({ net, time, context }, x) {
  const gain = net.gain("middle");
  if (gain === 0) return x;
  return scoped(() => {
    let y = resBlock(net, "middle_res0", x, time);
    y = spatialTransformer(net, "middle_transformer", LEVELS - 1, y, context);
    y = resBlock(net, "middle_res1", y, time);
    return gain === 1 ? y : add(scale(x, 1 - gain), y, gain);
  });
}

export function upFlow({ net, time, context }, x, outputs) {
  const w = net.weights.unet;
  let left = outputs.length; // taken from the end
  for (let level = LEVELS - 1; level >= 0; level--) {
    for (let i = 0; i < KEPT; i++) {
      left -= 1;
      const gain = net.gain("skips", `skips-${Math.floor(left / KEPT)}`, `skip-${left}`);
      const kept = outputs[left], skip = () => (gain === 1 ? kept : scale(kept, gain));
      const [block, transformer] = [`up${level}_res${i}`, `up${level}_transformer${i}`];
      x = scoped(() => resBlock(net, block, concat(x, net.see(`skip-${left}`, skip())), time));
      if (level < LEVELS - 1) x = scoped(() => spatialTransformer(net, transformer, level, x, context));
    }
    const last = `up${level}_upsample`;
    if (level > 0) x = scoped(() => net.see(last, conv2d(nearest2x(x), w[last]))); // H, W double
  }
  return x;
}

// ----------------------------------------------------------------------------------------- the decoder

const ACTIVATIONS = { silu, tanh, linear: (x) => x };
const CONVOLUTIONS = { conv: conv2d, transposed: convTranspose };

// A latent (B, H, W, 4) as a picture (B, 8H, 8W, 3), -1 to 1: of variance 1 where the weights hold what it was before,
// else as the encoder gives it.
export function decode(net, latent) {
  const { latent_mean: mean, latent_std: std, decoder } = net.weights, channels = latent.shape.at(-1);
  const scaled = std ? latent.data.map((value, i) => value * std[i % channels] + mean[i % channels]) : latent.data;
  const x = tensorOf(latent.shape, scaled);
  return net.config.decoder.reduce((h, { name, kind, activation }) => {
    const next = scoped(() => ACTIVATIONS[activation](CONVOLUTIONS[kind](h, decoder[name])));
    return net.see(`decoder/${name}`, next);
  }, x);
}
