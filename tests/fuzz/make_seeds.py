"""Writes a few valid inputs for the fuzzers into a folder each in DIR, so that a short run gets past the front door."""
import io, json, pathlib, struct, sys, zipfile, zlib

request = {"sfumato": 1, "operation": "inpaint", "method": "patchmatch", "seed": 42, "context": "automatic", "source": "layer",
           "area": {"x": 0, "y": 0, "width": 2, "height": 1}}
diffusion = {"sfumato": 1, "seed": 42, "model": "m.safetensors", "vae": "v.safetensors", "prompt": "a cat", "negative_prompt": "a dog",
             "steps": 20, "cfg": 7.5, "sampler": "dpmpp_2m", "scheduler": "karras", "rng": "cuda", "clip_skip": 2, "batch": 3,
             "prediction": "v", "zero_terminal_snr": True, "dtype": "fp16"}
txt2img = {"operation": "txt2img", "width": 640, "height": 512, **diffusion}
img2img = {"operation": "img2img", "strength": 0.5, "strength_rule": "fewer_steps", **diffusion}


def frame(head, floats=()):
    text = json.dumps(head).encode()
    return b"SFUM" + struct.pack("<IIIQ", 2, len(text), 0, 4 * len(floats)) + text + struct.pack(f"<{len(floats)}f", *floats)


def blobs(a, b):
    return [{"name": a, "shape": [1, 2, 4]}, {"name": b, "shape": [1, 2]}]


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", bytes(13)), *chunks, (b"IEND", b"")))


def safetensors(tensors):
    header, data = {"__metadata__": {"config": '{"unet": {"num_heads": 8}}'}}, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


def numbers(*values):
    return b"(" + b"".join(b"K" + bytes([n]) if n < 256 else b"\x8a\x08" + struct.pack("<q", n) for n in values) + b"t"


def pickled(names, count, shape=(2, 3), strides=(3, 1)):
    """{name: tensor, …}, each of a storage of `count` floats; by both ways to name a class."""
    storage = b"(" + short("storage") + b"ctorch\nFloatStorage\n" + short("0") + short("cpu") + b"K" + bytes([count]) + b"tQ"
    tensor = short("torch._utils") + short("_rebuild_tensor_v2") + b"\x93(" + storage + b"K\0" + numbers(*shape) + numbers(*strides) + b"\x89}tR"
    return b"\x80\x04}\x94(" + short("state_dict") + b"}(" + b"".join(short(name) + tensor for name in names) + b"uu."


def torch_zip(pickle, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/data.pkl", pickle)
        archive.writestr("a/data/0", data)
    return stream.getvalue()


def old_torch(names, count):
    magic, version = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", b"\x80\x02M\xe9\x03."
    facts, keys = b"\x80\x04}" + short("little_endian") + b"\x88s.", b"\x80\x04](" + short("0") + b"e."
    return magic + version + facts + pickled(names, count) + keys + struct.pack("<q", count) + bytes(4 * count)


def ncnn(lines, weights=b""):
    graph = f"7767517\n{len(lines)} 99\n" + "".join(line + "\n" for line in lines)
    return struct.pack("<H", len(graph)) + graph.encode() + weights


def weights_of(outputs, inputs, kernel=3):
    halves = bytes(2 * outputs * inputs * kernel**2)
    return struct.pack("<I", 0x01306B47) + halves + bytes(-len(halves) % 4) + bytes(4 * outputs)


def gguf(values, tensors):
    def text(t):
        return struct.pack("<Q", len(t)) + t.encode()

    head, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(text(n) + v for n, v in values), b""
    for name, dimensions, kind, content in tensors:
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, len(data))
        data += content + bytes(-len(content) % 32)
    return head + bytes(-len(head) % 32) + data


def varint(n):
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])


def field(number, value):
    """Of a message of Protocol Buffers: a number, or bytes, a text or a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


class onnx_graph:
    def __init__(self):
        self.nodes, self.constants, self.count = b"", b"", 0

    def constant(self, *shape, value=0.5):
        self.count += 1
        size = 1
        for extent in shape:
            size *= extent
        extents = b"".join(field(1, extent) for extent in shape)
        self.constants += field(5, extents + field(2, 1) + field(8, f"c{self.count}") + field(9, struct.pack("<f", value) * size))
        return f"c{self.count}"

    def node(self, op, *inputs, **attributes):
        self.count += 1
        kinds = {int: lambda v: field(3, v), str: lambda v: field(4, v), tuple: lambda v: b"".join(field(8, n) for n in v)}
        self.nodes += field(1, b"".join(field(1, i) for i in inputs) + field(2, f"v{self.count}") + field(4, op)
                            + b"".join(field(5, field(1, name) + kinds[type(v)](v)) for name, v in attributes.items()))
        return f"v{self.count}"

    def conv(self, x, *shape, stride=1, bias=False, group=1):
        if shape[-1] > 1 and group == 1:
            x = self.node("Pad", x, mode="reflect")
        return self.node("Conv", x, self.constant(*shape), *([self.constant(shape[0])] if bias else []), strides=(stride, stride), group=group)

    def normed(self, x, channels):
        return self.node("Relu", self.node("BatchNormalization", x, *(self.constant(channels) for _ in range(4))))

    def bytes(self):
        return field(1, 8) + field(2, "pytorch") + field(7, self.nodes + field(2, "g") + self.constants)


def onnx_lama(g):
    """Of 1 channel, halved once: 1 local channel and no global ones worth the name, so that it is refused late."""
    x = g.normed(g.conv("x", 1, 4, 7, 7), 1)
    local, far = g.normed(g.conv(x, 1, 1, 3, 3, stride=2), 1), g.normed(g.conv(x, 1, 1, 3, 3, stride=2), 1)
    g.conv(local, 1, 1, 3, 3)
    g.conv(far, 1, 1, 1, 1)
    return g.bytes()


def onnx_migan(g):
    """Of pictures of 8 × 8, one channel."""
    def separable(x, halves=False, doubles=False, noise=0):
        x = g.conv(x, 1, 1, 3, 3, bias=True)
        x = g.conv(x, 1, 1, 4, 4, stride=2) if halves else x
        x = g.conv(x, 1, 1, 1, 1)
        x = doubled(x, 1) if doubles else x
        return g.node("LeakyRelu", g.node("Add", x, g.constant(noise, noise)) if noise else x)

    def doubled(x, channels):
        return g.conv(x, channels, 1, 4, 4, group=channels)

    x = g.conv("x", 1, 4, 1, 1, bias=True)
    seen = {}
    for side in (8, 4):
        seen[side] = separable(x)
        x = separable(seen[side], halves=side == 8)
    picture = None
    for side in (4, 8):
        noise = side if side == 8 else 0
        x = separable(g.node("Add", separable(x, doubles=side == 8, noise=noise), seen[side]), noise=noise)
        colours = g.conv(x, 3, 1, 1, 1, bias=True)
        picture = g.node("Add", doubled(picture, 3), colours) if picture else colours
    return g.bytes()


unet = "model.diffusion_model."
proj, conv = "lora_unet_middle_block_1_proj_in", "lycoris_mid_block_resnets_0_conv1"
open_clip = "cond_stage_model.model."
prompt = "a ((cat:1.3), [sitting]) BREAK \\(don't\\) 16:9 <|endoftext|>, é 桜, (" + "word, " * 90 + ":1.2)"
floats = [0.5] * 8 + [0, 1]
seeds = {
    "png_text": [png(chunk) for chunk in (
        (b"tEXt", b"Comment\0{}"), (b"zTXt", b"Comment\0\0" + zlib.compress(b"{}")), (b"iTXt", b"Comment\0\0\0en\0\0{}"),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"{}")))],
    "prompt": [bytes([vocabulary]) + prompt.encode() for vocabulary in (0, 1, 255)],
    "request": [json.dumps(request).encode(), json.dumps(txt2img).encode(), json.dumps(img2img).encode(), b'{"sfumato": 1}'],
    "safetensors": [
        safetensors({unet + "input_blocks.0.0.weight": ("F16", [2, 1, 1, 1], b"abcd"), unet + "out.2.weight": ("BF16", [1, 2], b"abcd")}),
        safetensors({open_clip + "transformer.resblocks.0.attn.in_proj_weight": ("F32", [3, 1], bytes(12)),
                     open_clip + "text_projection": ("F8_E4M3", [1, 2], b"ab"), "betas": ("I64", [], bytes(8))}),
        safetensors({"down_blocks.0.resnets.0.conv1.weight": ("F32", [1], bytes(4)), "up_blocks.1.attentions.0.norm.weight": ("F32", [1], bytes(4)),
                     "up_blocks.1.upsamplers.0.conv.weight": ("F32", [1], bytes(4)), "mid_block.resnets.1.norm2.bias": ("F32", [1], bytes(4))}),
        safetensors({"decoder.conv_in.weight": ("F32", [1, 4], bytes(16)), "decoder.up_blocks.0.resnets.0.norm1.weight": ("F32", [1], bytes(4)),
                     "decoder.mid_block.attentions.0.to_q.weight": ("F32", [1, 1], bytes(4))}),
        safetensors({"model.0.weight": ("F16", [1, 3, 1, 1], bytes(6)), "model.1.sub.0.RDB1.conv1.0.weight": ("F16", [1, 1, 1, 1], bytes(2)),
                     "model.1.sub.1.bias": ("F16", [1], bytes(2)), "model.3.bias": ("F16", [1], bytes(2)), "model.7.weight": ("F16", [1], bytes(2))}),
        safetensors({"module.RRDB_trunk.0.RDB1.conv1.weight": ("F16", [1], bytes(2)), "module.conv_first.weight": ("F16", [1, 12], bytes(24)),
                     "module.upconv1.bias": ("F16", [1], bytes(2)), "module.trunk_conv.bias": ("F16", [1], bytes(2))}),
        safetensors({proj + ".lora_up.weight": ("F32", [4, 1], bytes(16)), proj + ".lora_down.weight": ("F32", [1, 6], bytes(24)),
                     proj + ".alpha": ("F32", [], bytes(4)), proj + ".dora_scale": ("F32", [4, 1], bytes(16)),
                     conv + ".lora_up.weight": ("F16", [4, 1, 1, 1], bytes(8)), conv + ".lora_mid.weight": ("F16", [1, 1, 3, 3], bytes(18)),
                     conv + ".lora_down.weight": ("F16", [1, 2, 1, 1], bytes(4))}),
        safetensors({proj + ".hada_w1_a": ("F16", [4, 1], bytes(8)), proj + ".hada_w1_b": ("F16", [1, 6], bytes(12)),
                     proj + ".hada_w2_a": ("F16", [4, 1], bytes(8)), proj + ".hada_w2_b": ("F16", [1, 6], bytes(12)),
                     conv + ".lokr_w1": ("F16", [2, 1], bytes(4)), conv + ".lokr_w2": ("F16", [2, 2, 3, 3], bytes(72))}),
        safetensors({"params_ema.body.0.weight": ("F16", [1, 3], bytes(6)), "params.body.1.weight": ("F16", [1], bytes(2))}),
        safetensors({"body.0.weight": ("F16", [1, 3], bytes(6)), "body.1.weight": ("F16", [1], bytes(2)), "body.2.weight": ("F16", [3], bytes(6))}),
        safetensors({"unet1.conv1.conv.0.weight": ("F16", [1], bytes(2)), "unet1.conv_bottom.weight": ("F16", [1, 1, 5, 5], bytes(50))})],
    "ncnn": [
        ncnn(["Input i 0 1 a 0=9 1=9 2=3", "Split s 1 2 a b c", "Convolution d 1 1 b e 0=1 1=3 4=1 5=1 6=27", "PReLU f 1 1 e g 0=1",
              "Convolution h 1 1 g j 0=12 1=3 11=3 4=1 5=1 6=108", "PixelShuffle k 1 1 j l 0=2", "Interp m 1 1 c n 0=1 1=2.0 2=2.0",
              "BinaryOp o 2 1 l n p 0=0", "Interp q 1 1 p r 0=3 1=0.5 2=0.5"],
             weights_of(1, 3) + bytes(4) + weights_of(12, 1)),
        ncnn(["Input i 0 1 a", "Convolution d 1 1 a e 0=1 1=3 5=1 6=27 9=2 -23310=1,0.1", "Convolution f 1 1 e g 0=2 1=3 5=1 6=18",
              "ReLU h 1 1 g j 0=0.1", "Deconvolution k 1 1 j l 0=3 1=4 3=2 4=3 5=1 6=96"],
             weights_of(1, 3) + weights_of(2, 1) + weights_of(3, 2, 4)),
        ncnn(["Input i 0 1 a", "Split s 1 6 a b c d e f g", "Concat t 2 1 b c h", "Eltwise u 2 1 d e j 0=1 -23301=2,0.2,1.0",
              "Crop v 1 1 f k -23309=2,4,4 -23310=2,-4,-4 -23311=2,-2,-1", "Pooling w 1 1 g l 0=1 4=1",
              "InnerProduct x 1 1 l m 0=8 1=1 2=24 9=1", "InnerProduct y 1 1 m n 0=3 1=1 2=24", "Sigmoid z 1 1 n o",
              "Scale A 2 1 j o p 0=-233", "BinaryOp B 1 1 p q 0=2 1=1 2=0.2", "Split S 1 2 q r s", "Crop C 2 1 r k t 0=4 1=4",
              "BinaryOp D 2 1 s h u"])],
    "torch_old": [old_torch(["body.0.weight", "model.0.weight"], 6)],
    "pickle": [pickled(["a.weight", "b"], 6), b"\x80\2ccollections\nOrderedDict\n)Rq\1(X\1\0\0\0ah\1u}b.",
               b"\x80\2ca\nB\n)\x81}(X\x08\0\0\0_modules}(X\1\0\0\0ca\nB\n)\x81}(X\x0b\0\0\0_parameters}ububub."],
    "training_yaml": [b"model:\n  params:\n    parameterization: \"v\" # x\n  target: y\n", b"model:\n params:\n  a:\n   params:\n"],
    "torch_zip": [torch_zip(pickled([unet + "input_blocks.0.0.weight", "b"], 6), bytes(24)),
                  torch_zip(pickled(["b"], 6, (0, 1 << 62, 1 << 62), (1, 1 << 62, 1)), bytes(24))],
    "gguf": [gguf([("general.alignment", struct.pack("<II", 4, 32)), ("comfy.gguf.orig_shape.w", struct.pack("<IIQ2i", 9, 5, 2, 16, 2)),
                   ("tokens", struct.pack("<IIQQ1s", 9, 8, 1, 1, b"x"))],
                  [("w", [32], 8, bytes(34)), ("q", [32, 1], 6, bytes(22)), ("input_blocks.0.0.weight", [1, 2], 1, bytes(4))])],
    "onnx": [onnx_lama(onnx_graph()), onnx_migan(onnx_graph()),
             field(1, 8) + field(7, field(5, field(1, 2) + field(2, 10) + field(8, "h") + field(5, varint(15360) + varint(0)))
                                    + field(1, field(2, "i") + field(4, "Constant") + field(5, field(1, "value") + field(5, field(2, 1) + field(4, bytes(4))))))],
    "protocol": [bytes([piece]) + stream for piece in (0, 6, 255) for stream in (
        frame({"type": "hello", "version": "0.1.0", "build": "x"}),
        frame({"type": "run", "id": 1, "request": request, "previews": True, "pictures": [
            {"name": "picture", "width": 2, "height": 1, "channels": 4}, {"name": "selection", "width": 2, "height": 1, "channels": 1}]}),
        frame({"type": "result", "id": 1, "x": 0, "y": 0, "recipe": request, "blobs": blobs("picture", "mask")}, floats) + frame({"type": "bye"}),
        frame({"type": "want", "id": 1, "want": 1, "name": "picture", "x": 0, "y": 0, "width": 2, "height": 1}),
        frame({"type": "progress", "id": 1, "stage": {"format": "a {} b", "arguments": ["7"], "text": "a 7 b"}, "fraction": 0.5}),
        frame({"type": "plan", "text": "x", "needed": 1, "available": 2, "seconds": 3.5}) + frame({"type": "models", "kind": "all"}),
        frame({"type": "model", "model": {"path": "p", "family": "f", "format": "x", "bytes": 1, "supported": True, "reason": "r", "factor": 2}}),
    )],
}
for name, inputs in seeds.items():
    folder = pathlib.Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / f"seed-{number}").write_bytes(data)
