// docs/model-files.md says what runs, what is only named, and what is neither: each row of its table is tried.
#include "models/library/family.h"
#include "models/library/named_families.h"
#include "models/library/open_checkpoint.h"
#include "models/names/canonical.h"
#include "tests/models/files/scratch.h"

#include <regex>
#include <set>

using namespace sfumato;

namespace {

struct row {
    std::string name, verdict, example;
};

std::vector<row> rows_of_table() {
    std::istringstream lines(file_bytes(DOCS "/model-files.md"));
    std::vector<row> rows;
    std::regex const columns(R"(\| (.+?) \| (runs|half|named|neither) \| (.+) \|)");
    std::smatch found;
    for (std::string line; std::getline(lines, line);)
        if (std::regex_match(line, found, columns)) rows.push_back({found[1], found[2], found[3]});
    return rows;
}

// `text` in backticks, and the word before it.
struct piece {
    std::string word, text;
};

std::vector<piece> pieces_of(std::string const& example) {
    std::vector<piece> pieces;
    std::regex const pattern(R"((?:(\w+) )?`([^`]+)`)");
    for (std::sregex_iterator i(example.begin(), example.end(), pattern), end; i != end; ++i)
        pieces.push_back({(*i)[1], (*i)[2]});
    return pieces;
}

// "NAME" or "NAME [1, 2]"
void put_tensor(checkpoint& c, std::string const& text) {
    std::size_t const bracket = std::min(text.find(" ["), text.size());
    stored_tensor t{.type = stored_type::f16, .shape = {}};
    for (std::size_t at = bracket; at < text.size(); ++at)
        if (std::isdigit(text[at]) && !std::isdigit(text[at - 1])) t.shape.push_back(std::stoi(text.substr(at)));
    if (t.shape.empty()) t.shape = {0};
    c.tensors[text.substr(0, bracket)] = t;
}

checkpoint example_of(std::vector<piece> const& pieces) {
    checkpoint c{.source = "example"};
    for (piece const& p : pieces)
        if (p.text.starts_with("procedural:")) c = open_checkpoint(p.text);
    for (piece const& p : pieces) {
        if (p.word == "only")
            std::erase_if(c.tensors, [&](auto const& t) { return !t.first.starts_with(p.text); });
        else if (p.word == "without")
            std::erase_if(c.tensors, [&](auto const& t) { return t.first.starts_with(p.text); });
        else if (!p.text.starts_with("procedural:"))
            put_tensor(c, p.text);
    }
    use_canonical_names(c);
    return c;
}

// \xNN, \0, \r, \n
std::string unescaped(std::string const& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        switch (text[++i]) {
        case 'x':
            bytes += char(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
            break;
        case 'r': bytes += '\r'; break;
        case 'n': bytes += '\n'; break;
        case '0': bytes += '\0'; break;
        default: ADD_FAILURE() << text;
        }
    }
    return bytes;
}

void try_model(row const& r) {
    auto const m = describe_model(example_of(pieces_of(r.example)));
    EXPECT_EQ(m.supported, r.verdict == "runs") << m.reason;
    EXPECT_EQ(!m.missing.empty(), r.verdict == "half") << m.reason;
    EXPECT_EQ(m.family == "unknown", r.verdict == "neither");
    EXPECT_TRUE(m.family == r.name || m.reason.find(r.name) != m.reason.npos) << m.family << ": " << m.reason;
}

void try_file(row const& r) {
    scratch_folder const folder;
    for (std::string const ending : {".safetensors", ".ckpt", ".pth", ".pt", ".gguf", ".onnx"}) {
        std::string const file = folder.put("m" + ending, unescaped(pieces_of(r.example).at(0).text));
        std::string const told = error_of([&] { open_checkpoint(file); });
        EXPECT_NE(told.find(r.name), told.npos) << told;
    }
}

TEST(table, every_row_is_so) {
    auto const rows = rows_of_table();
    ASSERT_GT(rows.size(), 120u);
    for (row const& r : rows) {
        SCOPED_TRACE("| " + r.name + " | " + r.verdict + " | " + r.example + " |");
        if (r.verdict == "neither" && r.name != "unknown")
            try_file(r);
        else
            try_model(r);
    }
}

// Networks that were made of others have those' names, too.
TEST(table, what_contains_another_has_its_own_name) {
    auto const name_of = [](checkpoint c, std::vector<std::string> const& tensors) {
        for (std::string const& name : tensors) put_tensor(c, name);
        auto const m = describe_model(c);
        EXPECT_FALSE(m.supported);
        EXPECT_FALSE(m.upscaler);
        return m.family;
    };
    checkpoint const rrdbnet = open_checkpoint("procedural:rrdbnet-x4-tiny");
    EXPECT_EQ(name_of(rrdbnet, {"de_net.fc_degree.0.0.weight", "am_list.0.fc.0.weight"}), "upscaler (MM-RealSR)");
    EXPECT_EQ(name_of(rrdbnet, {"body.0.rdb1.conv1x1.weight"}), "upscaler (ESRGAN+)");
    std::vector<std::string> const swin = {"x.residual_group.blocks.0.attn.relative_position_bias_table",
                                           "x.residual_group.blocks.0.mlp.fc1.bias"};
    EXPECT_EQ(name_of({}, swin), "upscaler (SwinIR)");
    for (auto const& [name, more] :
         {std::pair("upscaler (HAT)",
                    std::vector<std::string>{"x.overlap_attn.qkv.weight", "x.conv_block.cab.0.weight"}),
          std::pair("upscaler (Swin2SR)", std::vector<std::string>{"patch_embed.proj.weight"}),
          std::pair("upscaler (SRFormer)", std::vector<std::string>{"x.attn.aligned_relative_position_index"}),
          std::pair("upscaler (AdaCode)",
                    std::vector<std::string>{"multiscale_encoder.in_conv.weight", "quantize_group.0.embedding.weight",
                                             "weight_predictor.blocks.0.weight"}),
          std::pair("upscaler (FeMaSR)", std::vector<std::string>{"multiscale_encoder.in_conv.weight",
                                                                  "quantize_group.0.embedding.weight"})}) {
        auto all = swin;
        all.insert(all.end(), more.begin(), more.end());
        EXPECT_EQ(name_of({}, all), name);
    }
    EXPECT_EQ(name_of({}, {"m_head.weight", "m_down1.0.res.0.weight", "qf_pred.0.res.0.weight"}), "restorer (FBCNN)");
    EXPECT_EQ(
        name_of({}, {"quantize.embedding.weight", "encoder.down.0.block.0.norm1.weight", "idx_pred_layer.1.weight"}),
        "face restorer (CodeFormer)");
}

// The other way round: what the program has a name for stands there, with the names that tell.
TEST(table, every_name_is_in_it) {
    std::set<std::pair<std::string, std::set<std::string>>> there;
    for (row const& r : rows_of_table()) {
        std::set<std::string> texts;
        for (piece const& p : pieces_of(r.example)) texts.insert(p.text);
        there.emplace(r.name, texts);
    }
    for (named_family const& f : named_families()) {
        std::set<std::string> parts;
        for (std::string_view part : f.parts)
            if (!part.empty()) parts.insert(std::string(part));
        EXPECT_TRUE(there.contains({std::string(f.name), parts})) << f.name;
    }
}

} // namespace
