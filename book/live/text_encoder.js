// From the words of a sentence to what the UNet is told of them: a context (T, F). Which way is said by the config.
//
// Shapes: T tokens, F features of a token.
import { attend, attentionWeights } from "./attention.js";
import { add, dense, gelu, layerNorm } from "./layers.js";
import { scoped, temporary, tensorOf } from "./memory.js";
import { tokenize } from "./words.js";

// Each kind makes tokens into a Float32Array (T, F).
export const TEXT_ENCODERS = { "word table": wordTable, transformer: textTransformer };

export function encode(net, text) {
  const { kind } = net.config.text;
  if (!(kind in TEXT_ENCODERS))
    throw new Error(`A text encoder must be one of ${Object.keys(TEXT_ENCODERS)}. Received: ${kind}`);
  return TEXT_ENCODERS[kind](net, tokenize(text, net.config.text));
}

// What the word is, plus where it stands: context[i] = words[token[i]] + places[relation, i].
function wordTable({ weights, config }, tokens) {
  const { words, places } = weights.words, size = places.length / config.text.relations;
  const relation = Math.max(...tokens.map((token) => config.text.relation_of_word[token]));
  return embedded(tokens, words, places.subarray(relation * size, (relation + 1) * size));
}

// table[token[i]] + places[i], each of F numbers.
function embedded(tokens, table, places) {
  const features = places.length / tokens.length, out = Float32Array.from(places);
  tokens.forEach((token, i) => {
    for (let j = 0; j < features; j++) out[i * features + j] += table[token * features + j];
  });
  return out;
}

// The reference's TextEncoder: it reads from left to right. See autograder/reference/text_encoder.py.
function textTransformer(net, tokens) {
  const w = net.weights.text_encoder, { layers, norm_epsilon } = net.config.text;
  const start = embedded(tokens, w.embedding.tokens.embeddings, w.embedding.positions);
  return temporary(() => {
    let x = tensorOf([1, tokens.length, start.length / tokens.length], start);
    for (let i = 0; i < layers; i++) x = scoped(() => textBlock(x, w[`block${i}`], net.config.text));
    return layerNorm(x, w.final_norm, norm_epsilon).data.slice();
  });
}

// (B, T, F): attend to what stands before; then a network four times as wide. Each normalised before and added after.
function textBlock(x, w, { num_heads, norm_epsilon, gelu_approximate }) {
  const { to_q, to_k, to_v, out_proj } = w.attention, normal = layerNorm(x, w.norm1, norm_epsilon);
  const weights = attentionWeights(dense(normal, to_q), dense(normal, to_k), num_heads, { causal: true });
  x = add(x, dense(attend(weights, dense(normal, to_v)), out_proj));
  const hidden = gelu(dense(layerNorm(x, w.norm2, norm_epsilon), w.dense1), gelu_approximate);
  return add(x, dense(hidden, w.dense2));
}
