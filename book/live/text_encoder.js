// From the words of a sentence to what the UNet is told of them, a context (T, F): the reference's TextEncoder, which reads
// from left to right. See autograder/reference/text_encoder.py.
//
// Shapes: B batch, T tokens, F features of a token.
import { attend, attentionWeights } from "./attention.js";
import { add, dense, gelu, layerNorm } from "./layers.js";
import { scoped, temporary, tensorOf } from "./memory.js";
import { tokenize } from "./words.js";

// A Float32Array (T, F).
export function encode(net, text) {
  const w = net.weights.text_encoder, { text: config } = net.config, tokens = tokenize(text, config);
  return temporary(() => {
    let x = embedding(tokens, w.embedding);
    for (let i = 0; i < config.layers; i++) x = scoped(() => textBlock(x, w[`block${i}`], config));
    return layerNorm(x, w.final_norm, config.norm_epsilon).data.slice();
  });
}

// What the word is, plus where it stands: tokens[n] + positions[t], (1, T, F).
function embedding(tokens, { tokens: { embeddings }, positions }) {
  const features = positions.length / tokens.length, out = tensorOf([1, tokens.length, features], positions);
  tokens.forEach((token, t) => {
    for (let j = 0; j < features; j++) out.data[t * features + j] += embeddings[token * features + j];
  });
  return out;
}

// (B, T, F): attend to what stands before; then a network four times as wide. Each normalised before and added after.
function textBlock(x, w, { num_heads, norm_epsilon, gelu_approximate }) {
  const { to_q, to_k, to_v, out_proj } = w.attention, normal = layerNorm(x, w.norm1, norm_epsilon);
  const weights = attentionWeights(dense(normal, to_q), dense(normal, to_k), num_heads, { causal: true });
  x = add(x, dense(attend(weights, dense(normal, to_v)), out_proj));
  const hidden = gelu(dense(layerNorm(x, w.norm2, norm_epsilon), w.dense1), gelu_approximate);
  return add(x, dense(hidden, w.dense2));
}
