# python3 similar.py mini "the soup was warm" "a hot soup" "the bus was late": how near the others are to the first
import ctypes, os, sys

attune = ctypes.CDLL("libattune.so.0")
attune.attune_load.restype = ctypes.c_void_p
attune.attune_error.restype = ctypes.c_char_p
attune.attune_embed.restype = ctypes.c_int64

def check(result):
    return result if result and result > 0 else sys.exit("error: " + attune.attune_error().decode())

model = ctypes.c_void_p(check(attune.attune_load(os.fsencode(sys.argv[1]), b"pooling = mean")))
texts = [os.fsencode(text) for text in sys.argv[2:]]
ask = [model, (ctypes.c_char_p * len(texts))(*texts), ctypes.c_size_t(len(texts))]
size = check(attune.attune_embed(*ask, None, ctypes.c_size_t(0)))
numbers = (ctypes.c_float * size)()
check(attune.attune_embed(*ask, numbers, ctypes.c_size_t(size)))
width = size // len(texts)
vectors = [numbers[i : i + width] for i in range(0, size, width)]
for text, v in zip(sys.argv[3:], vectors[1:]):
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    print("%.4f\t%s" % (dot(vectors[0], v) / (dot(vectors[0], vectors[0]) * dot(v, v)) ** 0.5, text))
attune.attune_free(model)
