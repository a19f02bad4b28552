// Runs the model beside the page, so that the page never waits.
//
// In: {kind: "load", program, weights, bytes} with two addresses and the size of the weights; then, any number of times,
// {kind: "draw", id, wish}, {kind: "decode", id, latent} or {kind: "stop", id}. A newer id ends what an older one began. A
// wish is what `draw` takes, and what else is wanted: `maps` of attention; `taps`, names of tensors; `halves`, what is
// expected without the prompt and with it; `keepMaps`, to draw with the maps of the last drawing that had them.
// Out: {kind: "loading", bytes}, {kind: "ready", product, milliseconds, latents}, {kind: "step", id, ...}, {kind: "done",
// id, milliseconds}, {kind: "error", message}.
import { MapKeeper } from "./maps.js";
import { draw, pictureOf } from "./sampling.js";
import { TapKeeper } from "./taps.js";
import { loadNet } from "./weights.js";

const CACHE = "live-unet";
let net = null, newest = 0, drawnMaps = []; // of each step

onmessage = async ({ data }) => {
  try {
    newest = data.id ?? newest;
    if (data.kind === "load") await load(data);
    if (data.kind === "draw") await answer(data);
    if (data.kind === "decode") decoded(data);
  } catch (error) {
    postMessage({ kind: "error", message: String(error.message ?? error) });
  }
};

async function load({ program, weights, bytes }) {
  const began = performance.now();
  const [code, packed] = await Promise.all([
    fetch(program).then((response) => checked(response).arrayBuffer()),
    fetchKept(weights, bytes),
  ]);
  net = await loadNet(await opened(packed), new Uint8Array(code));
  const { latents = null } = net.weights; // to paint on, where the file holds some
  postMessage({ kind: "ready", product: net.product, milliseconds: performance.now() - began, latents });
}

function decoded({ id, latent }) {
  const began = performance.now();
  postMessage({ kind: "step", id, picture: pictureOf(net, latent) });
  postMessage({ kind: "done", id, milliseconds: performance.now() - began });
}

async function answer({ id, wish }) {
  const began = performance.now(), maps = wish.maps && new MapKeeper(), taps = wish.taps && new TapKeeper(wish.taps);
  const watch = (maps || taps) && ((name, tensor) => [maps, taps].forEach((keeper) => keeper?.watch?.(name, tensor)));
  if (maps) drawnMaps = [];
  for (const { latent, expected, halves, ...step } of draw(net, { ...wish, watch, maps: wish.keepMaps && drawnMaps })) {
    const kept = { maps: maps ? maps.take() : null, taps: taps ? taps.take() : null };
    if (maps) drawnMaps.push(kept.maps);
    const pictures = { picture: pictureOf(net, latent), expected: pictureOf(net, expected) };
    if (wish.halves) pictures.halves = halves.map((half) => pictureOf(net, half));
    postMessage({ kind: "step", id, ...step, ...pictures, ...kept });
    await new Promise((resume) => setTimeout(resume)); // lets a newer wish in
    if (id !== newest) return;
  }
  postMessage({ kind: "done", id, milliseconds: performance.now() - began });
}

// ---------------------------------------------------------------------------------------- fetching and keeping

function checked(response) {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  return response;
}

// The file at an address whose name changes with its content: from this browser's cache, or fetched and kept there in
// place of the files of the same kind that went before.
async function fetchKept(address, bytes) {
  const cache = await openCache();
  const kept = await cache?.match(address);
  if (kept) return kept.arrayBuffer();
  const parts = [];
  let got = 0;
  for (let reader = checked(await fetch(address)).body.getReader(), part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    got += part.value.length;
    postMessage({ kind: "loading", bytes: Math.min(got, bytes) });
  }
  const file = new Blob(parts);
  if (cache) await keep(cache, address, file).catch(() => {}); // a full disk is no reason not to draw
  return file.arrayBuffer();
}

async function openCache() {
  try {
    return await caches.open(CACHE); // there is none on pages that are not secure, or where it is forbidden
  } catch {
    return null;
  }
}

async function keep(cache, address, file) {
  const kind = (url) => new URL(url).pathname.replace(/-[0-9a-f]+\.bin$/, "");
  const older = (await cache.keys()).filter(({ url }) => kind(url) === kind(address) && url !== address);
  await Promise.all(older.map((request) => cache.delete(request)));
  await cache.put(address, new Response(file));
}

// What gzip packed, or, where a server has told the browser to unpack it, the file as it is.
async function opened(file) {
  const [first, second] = new Uint8Array(file, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return file;
  return new Response(new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
