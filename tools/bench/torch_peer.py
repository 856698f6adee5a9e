#!/usr/bin/env python3
"""PyTorch as the peer: the same BERT, weights and sentences as `build/release/bench`, in the fastest plain torch.

    torch_peer.py train DIR NAME [--pad longest|N]   a server of samples: training steps over DIR/NAME.json
    torch_peer.py infer DIR NAME [--pad longest|N]   the same for inference
    torch_peer.py export DIR                         writes DIR/model.onnx, for ort_peer.mjs
    torch_peer.py pretrain DIR [--sequences B]       a server of samples: steps of masked language modelling, B x 128 tokens
    torch_peer.py predict DIR FILE                   classifies each line of FILE: label index and its probability

DIR is what `bench prepare` wrote, for pretrain an encoder's own directory; predict needs BERT's vocab.txt there too. A server prints a line of JSON when it is
ready, one with the seconds of a pass over all batches for every line on stdin, and at the end its peak memory. What
decides the speed lies outside: OPENBLAS_CORETYPE, OMP_NUM_THREADS, the allocator; compare.sh sets them.
"""
import argparse
import json
import math
import os
import resource
import sys
import time
import unicodedata
import warnings

import torch
import torch.nn.functional as F
from torch import nn


# ---- the model, parameters named as in the published BERT checkpoints ------------------------------------------------
class Embeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.word_embeddings = nn.Embedding(c["vocab_size"], c["hidden_size"], padding_idx=0)
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], c["hidden_size"])
        self.token_type_embeddings = nn.Embedding(c["type_vocab_size"], c["hidden_size"])
        self.LayerNorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])
        self.dropout = nn.Dropout(c["hidden_dropout_prob"])

    def forward(self, ids, types):
        where = torch.arange(ids.size(1))
        x = self.word_embeddings(ids) + self.token_type_embeddings(types) + self.position_embeddings(where)
        return self.dropout(self.LayerNorm(x))


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.width = c["num_attention_heads"], c["hidden_size"] // c["num_attention_heads"]
        self.query, self.key, self.value = (nn.Linear(c["hidden_size"], c["hidden_size"]) for _ in range(3))
        self.dropout = nn.Dropout(c["attention_probs_dropout_prob"])

    def split(self, x):  # [B, T, C] -> [B H, T, D]
        b, t, _ = x.shape
        return x.view(b, t, self.heads, self.width).transpose(1, 2).reshape(b * self.heads, t, self.width)

    def forward(self, x, bias):
        b, t, c = x.shape
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        score = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=1 / math.sqrt(self.width))
        y = torch.bmm(self.dropout(torch.softmax(score, dim=-1)), v)
        return y.view(b, self.heads, t, self.width).transpose(1, 2).reshape(b, t, c)


class AddNorm(nn.Module):  # dense, dropout, residual, LayerNorm after the sum
    def __init__(self, width_in, c):
        super().__init__()
        self.dense = nn.Linear(width_in, c["hidden_size"])
        self.LayerNorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])
        self.dropout = nn.Dropout(c["hidden_dropout_prob"])

    def forward(self, y, x):
        return self.LayerNorm(self.dropout(self.dense(y)) + x)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self, self.output = SelfAttention(c), AddNorm(c["hidden_size"], c)

    def forward(self, x, bias):
        return self.output(self.self(x, bias), x)


class Intermediate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense = nn.Linear(c["hidden_size"], c["intermediate_size"])

    def forward(self, x):
        return F.gelu(self.dense(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention, self.intermediate = Attention(c), Intermediate(c)
        self.output = AddNorm(c["intermediate_size"], c)

    def forward(self, x, bias):
        a = self.attention(x, bias)
        return self.output(self.intermediate(a), a)


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c["num_attention_heads"]
        self.layer = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))

    def bias(self, mask):  # [B, T] -> [B H, 1, T]
        return ((1.0 - mask.float()) * -10000.0).repeat_interleave(self.heads, 0)[:, None, :]

    def forward(self, x, mask):
        bias = self.bias(mask)
        for layer in self.layer:
            x = layer(x, bias)
        return x


class Pooler(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense = nn.Linear(c["hidden_size"], c["hidden_size"])

    def forward(self, x):
        return torch.tanh(self.dense(x[:, 0]))


class Bert(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings, self.encoder, self.pooler = Embeddings(c), Encoder(c), Pooler(c)

    def forward(self, ids, mask, types):
        return self.pooler(self.encoder(self.embeddings(ids, types), mask))


class Classifier(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bert = Bert(c)
        self.dropout = nn.Dropout(c["hidden_dropout_prob"])
        self.classifier = nn.Linear(c["hidden_size"], len(c["id2label"]))

    def forward(self, ids, mask, types):
        return self.classifier(self.dropout(self.bert(ids, mask, types)))


def read_safetensors(path):
    """Length of the header (8 bytes), the header (JSON), then the values: all F32 here."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        values = torch.frombuffer(bytearray(f.read()), dtype=torch.float32)
    header.pop("__metadata__", None)
    return {name: values[t["data_offsets"][0] // 4:t["data_offsets"][1] // 4].view(t["shape"])
            for name, t in header.items()}


def read_model(directory):
    with open(f"{directory}/config.json") as f:
        model = Classifier(json.load(f))
    model.load_state_dict(read_safetensors(f"{directory}/model.safetensors"))
    return model.eval()


def padded(sentences, width=None):
    """ids, mask and types [B, T] of lists of ids; T is the longest of them unless a width is given."""
    ids = torch.zeros(len(sentences), width or max(map(len, sentences)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, s in enumerate(sentences):
        ids[i, :len(s)], mask[i, :len(s)] = torch.tensor(s), 1
    return ids, mask, torch.zeros_like(ids)


# ---- train, infer: samples on request --------------------------------------------------------------------------------
def adamw(model):
    """As attune's: decay for everything but biases and LayerNorm. The loop over tensors beats foreach on a CPU."""
    plain = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=2e-5, betas=(0.9, 0.999), eps=1e-8)


def sample(run):
    """Seconds of one pass; passes are repeated until 0.2 s are over."""
    start, passes = time.perf_counter(), 0
    while time.perf_counter() - start < 0.2:
        run()
        passes += 1
    return (time.perf_counter() - start) / passes


def say(**line):
    print(json.dumps(line), flush=True)


def serve(a):
    model = read_model(a.directory)
    with open(f"{a.directory}/{a.work}.json") as f:
        work = json.load(f)["batches"]
    width = None if a.pad == "longest" else int(a.pad)
    batches = [(padded(b["ids"], width), torch.tensor(b["labels"])) for b in work]
    optimiser = adamw(model)

    def train():
        for x, labels in batches:
            F.cross_entropy(model(*x), labels).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    @torch.inference_mode()
    def infer():
        for x, _ in batches:
            model(*x)

    with torch.inference_mode():
        x, labels = batches[0]
        logits = model(*x)
    training = a.command == "train"
    first = {"loss": F.cross_entropy(logits, labels).item()} if training else {"logits": logits[0].tolist()}
    model.train(training)
    run = train if training else infer
    start = time.perf_counter()
    while time.perf_counter() - start < 3:  # warm-up
        run()
    outside = [f"{k}={os.path.basename(os.environ.get(k, ''))}" for k in ("OPENBLAS_CORETYPE", "LD_PRELOAD")]
    say(ready=True, **first, setup=f"torch {torch.__version__}, {torch.get_num_threads()} threads, {' '.join(outside)}")
    for _ in sys.stdin:
        say(seconds=sample(run))
    say(peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


# ---- pretrain: the head and the vocabulary for the hidden pieces alone, as attune's ------------------------------------
class MaskedLm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings, self.encoder = Embeddings(c), Encoder(c)
        self.dense = nn.Linear(c["hidden_size"], c["hidden_size"])
        self.LayerNorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])
        self.bias = nn.Parameter(torch.zeros(c["vocab_size"]))

    def forward(self, ids, mask, rows):  # [B, T], [B, T], [M] -> [M, V]
        x = self.encoder(self.embeddings(ids, torch.zeros_like(ids)), mask)
        x = self.LayerNorm(F.gelu(self.dense(x.flatten(0, 1)[rows])))
        return F.linear(x, self.embeddings.word_embeddings.weight, self.bias)


def pretrain(a):
    with open(f"{a.directory}/config.json") as f:
        c = json.load(f)
    model, length = MaskedLm(c), 128
    optimiser = adamw(model)
    ids = torch.randint(5, c["vocab_size"], (a.sequences, length))
    mask = torch.ones_like(ids)

    def run():
        rows = torch.randperm(ids.numel())[:ids.numel() * 15 // 100]
        hidden = ids.flatten().clone()
        hidden[rows] = 4
        F.cross_entropy(model(hidden.view_as(ids), mask, rows), ids.flatten()[rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    model.train()
    start = time.perf_counter()
    while time.perf_counter() - start < 3:  # warm-up
        run()
    say(ready=True, setup=f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for _ in sys.stdin:
        say(tokens_per_second=ids.numel() / min(sample(run) for _ in range(5)))


# ---- export: with ONNX Runtime's own attention, which its optimiser does not find in torch's graph (up to 20 %) ------
class OrtAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, mask, heads):
        return x.clone()  # only its shape matters while tracing

    @staticmethod
    def symbolic(g, x, weight, bias, mask, heads):
        return g.op("com.microsoft::Attention", x, weight, bias, mask, num_heads_i=heads).setType(x.type())


def ort_attention(self, x, mask):
    qkv = self.query, self.key, self.value
    weight, bias = torch.cat([m.weight for m in qkv]).t(), torch.cat([m.bias for m in qkv])
    return OrtAttention.apply(x, weight, bias, mask, self.heads)


def export(a):
    warnings.simplefilter("ignore")
    SelfAttention.forward, Encoder.bias = ort_attention, lambda self, mask: mask.int()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(read_model(a.directory), padded([[101, 2000, 102]] * 2, 16), f"{a.directory}/model.onnx",
                      input_names=names, output_names=["logits"], opset_version=14, custom_opsets={"com.microsoft": 1},
                      dynamic_axes={n: {0: "batch", 1: "length"} for n in names})


# ---- predict: uncased WordPiece, longest piece first -----------------------------------------------------------------
def words_of(text):
    """Lower case, accents gone, cut at white space and around punctuation and ideographs."""
    out = []
    for c in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(c)
        alone = kind[0] == "P" or c in "$+<=>^`|~" or "\u3400" <= c <= "\u9fff"
        if kind not in ("Mn", "Cf"):
            out.append(f" {c} " if alone else c)
    return "".join(out).split()


def pieces_of(word, vocab):
    out, start = [], 0
    while start < len(word):
        end = next((e for e in range(len(word), start, -1) if ("##" if start else "") + word[start:e] in vocab), None)
        if end is None:
            return [vocab["[UNK]"]]
        out.append(vocab[("##" if start else "") + word[start:end]])
        start = end
    return out


def predict(a):
    model = read_model(a.directory)
    with open(f"{a.directory}/vocab.txt", encoding="utf-8") as f:
        vocab = {line.rstrip("\n"): i for i, line in enumerate(f)}
    with open(a.file, encoding="utf-8") as f:
        bodies = [[p for w in words_of(line) for p in pieces_of(w, vocab)][:126] for line in f]
    sentences = [[vocab["[CLS]"], *body, vocab["[SEP]"]] for body in bodies]
    with torch.inference_mode():
        for i in range(0, len(sentences), 32):
            for p, k in zip(*torch.softmax(model(*padded(sentences[i:i + 32])), -1).max(-1)):
                print(k.item(), p.item())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(dest="command", required=True)
    for name, run, more in (("train", serve, ["work"]), ("infer", serve, ["work"]), ("export", export, []),
                            ("pretrain", pretrain, []), ("predict", predict, ["file"])):
        c = commands.add_parser(name)
        c.set_defaults(run=run)
        for argument in ["directory", *more]:
            c.add_argument(argument)
        if run is serve:
            c.add_argument("--pad", default="longest")
        if run is pretrain:
            c.add_argument("--sequences", type=int, default=16)
    a = p.parse_args()
    torch.manual_seed(1)
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    a.run(a)


if __name__ == "__main__":
    main()
