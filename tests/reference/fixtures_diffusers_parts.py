"""Runs where `fixtures_diffusers.py` does: transformers' text encoder, diffusers' autoencoder and samplers, the
files they save, and OpenCLIP's tokens.

python fixtures_diffusers_parts.py OUT_DIR
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import open_clip
import seeded_parts as seeded
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler
from fixtures_diffusers import picture
from seeded import inputs, to_torch
from transformers import CLIPTextConfig, CLIPTextModel

SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def tensors(arrays, names):
    """The seeded weights in PyTorch's layout, under the names that the module has; linear layers of the attention
    have no kernel of 1x1."""
    found = {}
    for name, array in arrays.items():
        value = array if name.endswith(seeded.TABLES) else to_torch(array)
        name = name if name in names else name.removeprefix("text_model.")
        found[name] = torch.from_numpy(np.ascontiguousarray(value)).reshape(names[name].shape)
    return found


def text_encoder(heads, size=None):
    """transformers' model, with Stable Diffusion 2's activation, of the fixtures' or of a given size."""
    arrays = seeded.arrays("text", size)
    (vocabulary, width), (length, _) = (arrays[f"text_model.embeddings.{name}"].shape for name in seeded.TABLES)
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=len(seeded.text_layers(**size or {})) - 2,
        num_attention_heads=heads,
        max_position_embeddings=length,
        hidden_act="gelu",
        layer_norm_eps=1e-5,
        eos_token_id=2,
        bos_token_id=1,
    )
    model = CLIPTextModel(config).eval()
    model.load_state_dict(tensors(arrays, model.state_dict()), strict=True)
    return model


def autoencoder(channels=seeded.CHANNELS):
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=channels,
        layers_per_block=seeded.BLOCKS_PER_LEVEL,
        latent_channels=seeded.LATENT_CHANNELS,
        norm_num_groups=32,
    ).eval()
    arrays = seeded.arrays("encoder", {"channels": channels}) | seeded.arrays("decoder", {"channels": channels})
    model.load_state_dict(tensors(arrays, model.state_dict()), strict=True)
    return model


def walk(scheduler, steps, begin=0):
    """The latents after every step of a sampler, and its timesteps."""
    scheduler.set_timesteps(steps)
    times = scheduler.timesteps[begin:]
    x, walked = torch.from_numpy(inputs("latent.walk", seeded.LATENT)).double(), []
    if begin and hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    for t in times:
        x = scheduler.step(seeded.model_output(x, int(t)), t, x).prev_sample
        walked.append(x.numpy())
    return np.stack(walked).astype("float32"), times.numpy()


def samplers():
    """Both samplers on Stable Diffusion's schedule; `leading` is the spacing of the configuration of SD2."""
    results = {}
    for prediction in seeded.PREDICTIONS:
        dpm = {"timestep_spacing": "leading", "steps_offset": 1, "prediction_type": prediction}
        solver = DPMSolverMultistepScheduler(**SCHEDULE, **dpm)
        ddim = DDIMScheduler(**SCHEDULE, **dpm, clip_sample=False, set_alpha_to_one=True)
        for name, scheduler in (("dpm", solver), ("ddim", ddim)):
            for steps in seeded.STEPS:
                walked, times = walk(scheduler, steps)
                results[f"{name}/{prediction}/{steps}"], results[f"{name}/{prediction}/{steps}/timesteps"] = (
                    walked,
                    times,
                )
    results["dpm/from_start"], _ = walk(solver, seeded.STEPS[-1], seeded.START)  # predicts v, the last of the loop
    results["alphas_cumprod"] = solver.alphas_cumprod.numpy()
    return results


def run(model, part, x):
    """A part's output, pictures in Keras' layout; what the autoencoder does not scale itself is scaled here."""
    if part == "text":
        return model(torch.from_numpy(x.astype("int64"))).last_hidden_state.numpy()
    factor = model.config.scaling_factor
    if part == "encoder":
        return (model.encode(picture(x)).latent_dist.mean * factor).numpy().transpose(0, 2, 3, 1)
    return model.decode(picture(x) / factor).sample.numpy().transpose(0, 2, 3, 1)


@torch.no_grad()
def main(out):
    text, vae = text_encoder(seeded.HEADS), autoencoder()
    results = samplers() | {"text": run(text, "text", seeded.tokens())}
    for case in seeded.PICTURES:
        results[f"encoder/{case}"] = run(vae, "encoder", seeded.picture(case))
        results[f"decoder/{case}"] = run(vae, "decoder", seeded.latent(case))
    for part, x in seeded.full_inputs().items():
        full = text_encoder(16, seeded.FULL["text"]) if part == "text" else autoencoder(seeded.FULL[part]["channels"])
        results[f"full/{part}"] = seeded.kept(part, run(full, part, x))
    np.savez(out / "outputs.npz", **results)
    files = {}
    for name, model in {"text": text, "vae": vae}.items():
        model.save_pretrained(out / name, safe_serialization=True)
        files[name] = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    files["tokens"] = dict(zip(seeded.PROMPTS, open_clip.tokenize(list(seeded.PROMPTS)).tolist(), strict=True))
    (out / "file.json").write_text(json.dumps(files))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
