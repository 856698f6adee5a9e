#!/usr/bin/env python3
"""PyTorch as the peer of a translator: nn.Transformer with the same weights, on the same pairs.

    translate_peer.py train DIR [--sorted]              a server of samples: training steps over DIR/work.json
    translate_peer.py beam DIR [--sentences N] [--together N] [--beams N]   beam search with kept keys and values

DIR is what `build/release/bench-translate prepare` wrote. Training is nn.Transformer, padded to the longest sentence of a
batch; logits are computed for real target pieces alone. With --sorted the same pairs are sorted by length before they are
cut into as many batches: less padding, other steps. The search keeps keys and values, attends to a source once for all of
its beams, drops sentences that are done, and stops as attune's does. A server speaks as torch_peer.py's do.
"""
import argparse
import json
import math
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # the import is a file beside this one
from torch_peer import read_safetensors, say  # noqa: E402


class Translator(nn.Module):
    def __init__(self, directory):
        super().__init__()
        with open(f"{directory}/config.json") as f:
            self.c = c = json.load(f)
        assert c["encoder_attention_heads"] == c["decoder_attention_heads"]
        assert c["encoder_ffn_dim"] == c["decoder_ffn_dim"] and not c["attention_dropout"] + c["activation_dropout"]
        width = c["d_model"]
        self.body = nn.Transformer(width, c["encoder_attention_heads"], c["encoder_layers"], c["decoder_layers"],
                                   c["encoder_ffn_dim"], c["dropout"], c["activation_function"], batch_first=True)
        self.body.encoder.norm = self.body.decoder.norm = None  # as Marian
        for module in self.body.modules():  # dropout where the directory has it
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0.0
            if isinstance(module, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
                module.dropout.p = 0.0
        self.dropout = nn.Dropout(c["dropout"])
        self.shared = nn.Embedding(c["vocab_size"], width)
        self.load(read_safetensors(f"{directory}/model.safetensors"))
        places = torch.arange(c["max_position_embeddings"])[:, None]
        angles = places * torch.pow(10000.0, -2 * torch.arange(width // 2, dtype=torch.double) / width)
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], 1).float())

    def load(self, w):
        self.shared.weight.data.copy_(w["model.shared.weight"])
        self.register_buffer("bias", w["final_logits_bias"][0].clone())
        for side, layers in (("encoder", self.body.encoder.layers), ("decoder", self.body.decoder.layers)):
            norms = ["self_attn", "final"] if side == "encoder" else ["self_attn", "encoder_attn", "final"]
            for i, layer in enumerate(layers):
                at = f"model.{side}.layers.{i}."
                for mine, theirs in (("self_attn", "self_attn"), ("encoder_attn", "multihead_attn")):
                    if not hasattr(layer, theirs):
                        continue
                    attention = getattr(layer, theirs)
                    for kind in ("weight", "bias"):
                        packed = torch.cat([w[f"{at}{mine}.{x}_proj.{kind}"] for x in "qkv"])
                        getattr(attention, f"in_proj_{kind}").data.copy_(packed)
                        getattr(attention.out_proj, kind).data.copy_(w[f"{at}{mine}.out_proj.{kind}"])
                for kind in ("weight", "bias"):
                    getattr(layer.linear1, kind).data.copy_(w[f"{at}fc1.{kind}"])
                    getattr(layer.linear2, kind).data.copy_(w[f"{at}fc2.{kind}"])
                    for n, norm in enumerate(norms):
                        getattr(getattr(layer, f"norm{n + 1}"), kind).data.copy_(w[f"{at}{norm}_layer_norm.{kind}"])

    def embed(self, ids, first=0):  # [B, T] -> [B, T, C]
        scale = math.sqrt(self.c["d_model"]) if self.c.get("scale_embedding") else 1
        return self.dropout(self.shared(ids) * scale + self.positions[first:first + ids.size(1)])

    def forward(self, source, hidden, inputs, real):  # ids [B, S], mask of padding [B, S], [B, T], rows -> [M, V]
        T = inputs.size(1)
        later = torch.full((T, T), float("-inf")).triu(1)
        x = self.body(self.embed(source), self.embed(inputs), tgt_mask=later, src_key_padding_mask=hidden,
                      memory_key_padding_mask=hidden)
        return F.linear(x.flatten(0, 1)[real], self.shared.weight, self.bias)


def padded(sequences, value):
    out = torch.full((len(sequences), max(map(len, sequences))), value)
    for i, s in enumerate(sequences):
        out[i, :len(s)] = torch.tensor(s)
    return out


def batch_of(model, sources, targets):
    pad, start = model.c["pad_token_id"], model.c["decoder_start_token_id"]
    source = padded(sources, pad)
    hidden = torch.arange(source.size(1)) >= torch.tensor([len(s) for s in sources])[:, None]
    inputs = padded([[start, *t[:-1]] for t in targets], pad)
    real = (torch.arange(inputs.size(1)) < torch.tensor([len(t) for t in targets])[:, None]).flatten().nonzero()[:, 0]
    return (source, hidden, inputs, real), torch.tensor([i for t in targets for i in t])


def training(model, work, by_length):
    batches = [list(zip(b["source"], b["target"])) for b in work["train"]]
    if by_length:
        pairs, count = sorted(sum(batches, []), key=lambda p: (len(p[1]), len(p[0]))), len(batches)
        total, before, cut = sum(len(t) for _, t in pairs), 0, [[] for _ in range(count)]
        for pair in pairs:
            cut[before * count // total].append(pair)
            before += len(pair[1])
        batches = cut
    batches = [batch_of(model, *zip(*b)) for b in batches]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.98), weight_decay=0.0)

    def run():
        for x, targets in batches:
            F.cross_entropy(model(*x), targets, label_smoothing=0.1).backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    model.eval()
    with torch.inference_mode():
        x, targets = batches[0]
        first = F.cross_entropy(model(*x), targets, label_smoothing=0.1).item()
    model.train()
    return {"loss": first}, run


# ---- beam search -----------------------------------------------------------------------------------------------------
class Step:
    """The decoder position by position: rows are sentences x beams."""

    def __init__(self, model, source, hidden):
        self.m, self.heads = model, model.c["decoder_attention_heads"]
        memory = model.embed(source)
        for layer in model.body.encoder.layers:
            memory = layer(memory, src_key_padding_mask=hidden)
        self.bias = torch.zeros(hidden.shape).masked_fill_(hidden, float("-inf"))[:, None, None]  # [B, 1, 1, S]
        self.memory, self.past = [], [None] * len(model.body.decoder.layers)
        C = memory.size(-1)
        for layer in model.body.decoder.layers:
            a = layer.multihead_attn
            k, v = F.linear(memory, a.in_proj_weight[C:], a.in_proj_bias[C:]).chunk(2, -1)
            self.memory.append((self.split(k).transpose(2, 3).contiguous(), self.split(v).contiguous()))

    def split(self, x):  # [B, T, C] -> [B, H, T, D]
        return x.view(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

    def keep(self, sentences):
        self.bias = self.bias[sentences]
        self.memory = [(k[sentences], v[sentences]) for k, v in self.memory]

    def __call__(self, ids, parents, t, sentences):  # [R], [R], position -> [R, V]
        R, C = ids.size(0), self.m.c["d_model"]
        scale = 1 / math.sqrt(C // self.heads)
        x = self.m.embed(ids[:, None], t)[:, 0]  # [R, C]
        for i, layer in enumerate(self.m.body.decoder.layers):
            a = layer.self_attn
            q, k, v = F.linear(x, a.in_proj_weight, a.in_proj_bias).view(R, 3, self.heads, -1).unbind(1)
            if self.past[i] is None:
                keys, values = k[:, :, None], v[:, :, None]  # [R, H, 1, D]
            else:
                keys, values = (torch.cat([old.index_select(0, parents), new[:, :, None]], 2)
                                for old, new in zip(self.past[i], (k, v)))
            self.past[i] = keys, values
            p = torch.softmax((q[:, :, None] * scale) @ keys.transpose(2, 3), -1)
            x = layer.norm1(x + F.linear((p @ values).reshape(R, C), a.out_proj.weight, a.out_proj.bias))
            a = layer.multihead_attn
            q = F.linear(x, a.in_proj_weight[:C], a.in_proj_bias[:C]) * scale
            q = self.split(q.view(sentences, R // sentences, C))  # the beams of a sentence ask its source together
            keys, values = self.memory[i]
            p = torch.softmax(q @ keys + self.bias, -1)
            y = (p @ values).transpose(1, 2).reshape(R, C)
            x = layer.norm2(x + F.linear(y, a.out_proj.weight, a.out_proj.bias))
            x = layer.norm3(x + layer.linear2(layer.activation(layer.linear1(x))))
        return F.linear(x, self.m.shared.weight, self.m.bias)


@torch.inference_mode()
def search_batch(model, sources, beams):
    """Best score = sum log p / pieces, the end included; stops when nothing that goes on can become better."""
    c, B = model.c, len(sources)
    end, pad = c["eos_token_id"], c["pad_token_id"]
    source = padded(sources, pad)
    hidden = torch.arange(source.size(1)) >= torch.tensor([len(s) for s in sources])[:, None]
    step = Step(model, source, hidden)
    most = torch.tensor([min(c["max_position_embeddings"] - 1, 3 * len(s) + 10) for s in sources])
    best, texts = torch.full((B,), float("-inf")), [[]] * B
    number = torch.arange(B)  # of the sentences that go on
    ids, parents = torch.full((B,), c["decoder_start_token_id"]), torch.arange(B)
    sums, written = torch.zeros(B, 1), torch.empty(B, 1, 0, dtype=torch.long)
    length = 0
    while len(number):
        length += 1
        S, wide = sums.shape
        log_p = torch.log_softmax(step(ids, parents, length - 1, S), -1).view(S, wide, -1)
        log_p[:, :, pad] = float("-inf")
        V = log_p.size(-1)
        forced = most <= length
        if forced.any():
            log_p[forced] = float("-inf")
            log_p[forced, :, end] = 0
        top, at = (sums[:, :, None] + log_p).flatten(1).topk(2 * beams)
        row, token = at // V, at % V
        ends = token == end
        score = (top / length).masked_fill(~ends, float("-inf"))[:, :beams].max(1)
        better = score.values > best[number]
        for s in better.nonzero()[:, 0].tolist():
            texts[number[s]] = [*written[s, row[s, score.indices[s]]].tolist(), end]
        best[number] = torch.maximum(best[number], score.values)
        sums, chosen = top.masked_fill(ends, float("-inf")).topk(beams)
        row, token = row.gather(1, chosen), token.gather(1, chosen)
        going = (best[number] < sums[:, 0] / most) & ~forced
        left = going.nonzero()[:, 0]
        written = torch.cat([written.gather(1, row[:, :, None].expand(-1, -1, length - 1)), token[:, :, None]], 2)[left]
        parents = (row + torch.arange(S)[:, None] * wide)[left].flatten()
        ids, sums, most = token[left].flatten(), sums[left], most[left]
        if len(left) < S:
            number = number[left]
            step.keep(left)
    return best.tolist(), texts


def searching(model, work, sentences, beams, size):
    sources = work["sources"][:sentences]
    order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))

    def run():
        scores = [0.0] * len(sources)
        for first in range(0, len(order), size):
            chosen = order[first:first + size]
            for i, score in zip(chosen, search_batch(model, [sources[i] for i in chosen], beams)[0]):
                scores[i] = score
        return scores

    model.eval()
    return {"logits": run()[:20]}, run


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["train", "beam"])
    p.add_argument("directory")
    p.add_argument("--sorted", action="store_true")
    p.add_argument("--sentences", type=int, default=1000)
    p.add_argument("--beams", type=int, default=5)
    p.add_argument("--together", type=int, default=250)
    a = p.parse_args()
    torch.manual_seed(1)
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = Translator(a.directory)
    with open(f"{a.directory}/work.json") as f:
        work = json.load(f)
    training_asked = a.what == "train"
    first, run = training(model, work, a.sorted) if training_asked else searching(model, work, a.sentences, a.beams, a.together)
    run()  # warm-up
    outside = [f"{k}={os.path.basename(os.environ.get(k, ''))}" for k in ("OPENBLAS_CORETYPE", "LD_PRELOAD")]
    say(ready=True, **first, setup=f"torch {torch.__version__}, {torch.get_num_threads()} threads, {' '.join(outside)}")
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        run()
        say(seconds=time.perf_counter() - start, processor_seconds=time.process_time() - processor)
    say(peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
