// Valid messages, at random, to a real engine and its pipelines: whatever is asked, and however the client behaves
// meanwhile, it is answered, and the engine lives. Ten seconds find what is grossly wrong; to look deeper:
//   SFUMATO_FUZZ_SECONDS=600 SFUMATO_FUZZ_SEED=7 session_fuzz
#include "tests/engine/raw_client.h"

#include <map>
#include <random>

using namespace sfumato;

namespace {

double setting(char const* name, double otherwise) {
    return std::getenv(name) ? std::atof(std::getenv(name)) : otherwise;
}

class fuzzer {
  public:
    explicit fuzzer(unsigned seed) : random_(seed) {}

    template <class T> T one_of(std::initializer_list<T> all) {
        return all.begin()[std::uniform_int_distribution<std::size_t>(0, all.size() - 1)(random_)];
    }
    bool in_one_of(int n) { return std::uniform_int_distribution(1, n)(random_) == 1; }
    int up_to(int n) { return std::uniform_int_distribution(0, n)(random_); }

    picture any_picture(int width, int height) {
        picture p(width, height);
        float const strange = one_of({0.5f, 0.f, 1.f, -2.f, 1e30f, -1e30f, 3e38f, 1e-40f});
        for (float& v : p.pixels) v = one_of({strange, 0.5f, 0.25f, 1.f});
        if (in_one_of(2))
            for (std::size_t i = 3; i < p.pixels.size(); i += 4) p.pixels[i] = one_of({0.f, 1.f, 1.f});
        return p;
    }
    mask any_mask(int width, int height) {
        mask m(width, height);
        int const count = one_of({0, 1, 1, 3, width * height / 2, width * height});
        for (int i = 0; i < count; ++i)
            m.values[std::size_t(up_to(width * height - 1))] = one_of({1.f, 1.f, 0.5f, 1e-9f, 1e-38f});
        return m;
    }

    json any_inpaint(memory_client& mine) {
        int const width = one_of({1, 2, 3, 5, 8, 17, 33, 100, 300}), height = one_of({1, 2, 3, 7, 9, 16, 31, 90});
        mine.pictures["picture"] = any_picture(width, height);
        mine.masks["selection"] = any_mask(width, height);
        json request{{"operation", "inpaint"}, {"seed", one_of<std::int64_t>({-1, 0, 1, 4294967295})}};
        if (in_one_of(2)) request["context"] = one_of({"automatic", "image", "selection"});
        if (in_one_of(2)) request["area"] = {{"x", -5}, {"y", 0}, {"width", width}, {"height", height}};
        return request;
    }

    json any_upscale(memory_client& mine) {
        int const width = one_of({1, 2, 3, 5, 8, 17, 40}), height = one_of({1, 2, 3, 9, 30});
        mine.pictures["picture"] = any_picture(width, height);
        json request{
            {"operation", "upscale"},
            {"scale", one_of({1.0, 1.01, 1.5, 2.0, 2.9999, 3.0, 4.0, 7.3, 16.0})},
            {"tile", one_of({0, 0, 1, 8, 32})},
            {"model", one_of({"", "sfumato:upscale-x2", "procedural:srvgg-x4-tiny", "procedural:rrdbnet-x2-tiny",
                              "procedural:rrdbnet-x1-tiny", "procedural:cunet-x2", "procedural:nope",
                              "procedural:sd1-tiny", "/etc/passwd"})}};
        if (in_one_of(2)) request["dtype"] = one_of({"fp32", "fp16", "bf16"});
        return request;
    }

    json any_generation(memory_client& mine) {
        json request{{"operation", one_of({"txt2img", "img2img"})},
                     {"seed", one_of<std::int64_t>({-1, 0, INT64_MAX - 2, 5})},
                     {"model", one_of({"procedural:sd1-tiny", "procedural:sd1-tiny", "procedural:nope",
                                       "sfumato:upscale-x2", ""})},
                     {"steps", one_of({1, 1, 2})},
                     {"cfg", one_of({1.0, 7.0})},
                     {"prompt", one_of({"", "a cat", "(((a:9", "\xF0\x9F\x90\xB1 BREAK ["})},
                     {"batch", one_of({1, 1, 2})}};
        if (request["operation"] == "txt2img")
            request.update({{"width", one_of({0, 64, 64, 72})}, {"height", one_of({64, 64, 128})}});
        else {
            mine.pictures["picture"] = any_picture(one_of({1, 63, 64, 70}), one_of({64, 66}));
            request["strength"] = one_of({0.01, 0.5, 1.0});
        }
        return request;
    }

    outgoing any_question(memory_client& mine, std::int64_t id) {
        if (in_one_of(12)) return encode_models(id, one_of({model_kind::all, model_kind::upscaler}));
        if (in_one_of(8))
            return encode_describe(id,
                                   one_of({"", "procedural:sd1-tiny", "procedural:cunet-x2", "/etc/passwd", "/", "x"}));
        json request = in_one_of(2) ? any_inpaint(mine) : in_one_of(6) ? any_generation(mine) : any_upscale(mine);
        request["sfumato"] = 1;
        json pictures = json::array();
        for (auto const& [name, p] : mine.pictures)
            pictures.push_back({{"name", name}, {"width", p.width}, {"height", p.height}, {"channels", 4}});
        for (auto const& [name, m] : mine.masks)
            pictures.push_back({{"name", name}, {"width", m.width}, {"height", m.height}, {"channels", 1}});
        if (in_one_of(20)) pictures.push_back({{"name", "hint:0"}, {"width", 5}, {"height", 5}, {"channels", 4}});
        json head{{"type", one_of({"run", "run", "run", "estimate"})},
                  {"id", id},
                  {"request", request},
                  {"pictures", pictures}};
        if (in_one_of(3)) head["previews"] = true;
        asked = head.dump();
        return encode(std::move(head));
    }

    // What is done when pixels are wanted. False: nothing more can come on this connection.
    bool answer(client& c, want_message const& w) {
        int const how = up_to(40);
        if (how == 0) return false; // leaves
        if (how == 1) c.send(encode({{"type", "cancel"}}));
        if (how == 2) { // another size, or kind
            picture const wrong = any_picture(1, up_to(3) + 1);
            c.send(encode({{"type", "pixels"}, {"id", c.id}, {"want", w.number}},
                          {{"picture", {wrong.height, 1, 4}, wrong.pixels}}));
            return true;
        }
        if (how == 3) c.send(encode({{"type", "pixels"}, {"id", c.id + 1}, {"want", w.number}}));
        c.answer(w);
        if (how == 4) c.answer(w); // twice
        return true;
    }

    std::string asked;

  private:
    std::mt19937 random_;
};

// How it ended, with its numbers left out.
std::string kind_of_end(message const& m) {
    std::string text = m.type();
    if (m.head.contains("message")) text += ": " + sentence_from_json(m.head["message"]).format.substr(0, 70);
    return text;
}

} // namespace

TEST(session_fuzz, whatever_is_asked_is_answered) {
    scratch_folder home;
    ::setenv("SFUMATO_MODELS", home.path.c_str(), 1);
    ::setenv("HOME", home.path.c_str(), 1);
    unsigned const seed = unsigned(setting("SFUMATO_FUZZ_SEED", 1));
    auto const end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(setting("SFUMATO_FUZZ_SECONDS", 10));
    engine e({"--patience", "20"});
    fuzzer f(seed);
    std::map<std::string, int> ends;
    int questions = 0;
    while (std::chrono::steady_clock::now() < end) {
        client c(e);
        c.answers = false;
        for (bool open = true; open && !f.in_one_of(3);) {
            c.mine = {};
            ++questions;
            c.send(f.any_question(c.mine, ++c.id));
            message m;
            do {
                try {
                    m = c.receive(300s, "want"); // small tiles of a slow network on a busy machine
                } catch (error const& e) {
                    FAIL() << "seed " << seed << ": " << e.what() << "\n" << f.asked;
                }
                if (m.type() == "want") open = f.answer(c, decode_want(m));
            } while (open && (m.type() == "want" || m.type() == "warning" || m.type() == "model"));
            ++ends[open ? kind_of_end(m) : "left"];
            ASSERT_NE(m.type(), "silence") << "seed " << seed << ": " << f.asked;
            int const code = e.running->wait(0ms);
            ASSERT_EQ(code, -1) << "seed " << seed << ", the engine ended after " << f.asked << "\n"
                                << e.running->err();
            open = open && m.type() != "hung up";
        }
    }
    std::printf("%d questions\n", questions);
    for (auto const& [how, count] : ends) std::printf("%6d %s\n", count, how.c_str());
    EXPECT_GT(ends["done"], 0);
    client last(e);
    EXPECT_TRUE(last.is_answered());
}
