// What is said in a run and in a question, on the wire: the engine asks for pixels, and whatever a client does, it is
// answered and the engine lives.
#include "models/library/procedural.h"
#include "tests/engine/raw_client.h"
#include "tests/models/files/torch_file.h"

#include <cmath>

using namespace sfumato;

namespace {

picture ramp(int width, int height) {
    picture p(width, height);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = float(i);
    return p;
}

outgoing pixels(std::int64_t id, std::uint64_t want, blob_view const& b) {
    return encode({{"type", "pixels"}, {"id", id}, {"want", want}}, {b});
}

// The engine is alive, and serves others.
void expect_alive(engine const& e) {
    client next(e);
    next.run(51);
    EXPECT_EQ(next.receive_type(), "done");
    EXPECT_EQ(next.results.at(0).picture.pixels[0], 0.2f);
}

} // namespace

TEST(session, the_engine_asks_for_the_next_part_before_it_gives_this_one) {
    engine e;
    client c(e);
    c.answers = false;
    c.upscale(fake_seed::in_rows, 5, 3);
    want_message const first = decode_want(c.receive(10s, "want"));
    EXPECT_EQ(first.name, "picture");
    EXPECT_EQ(first.area, (rect{0, 0, 5, 1}));
    c.answer(first);
    want_message const second = decode_want(c.receive(10s, "want"));
    EXPECT_EQ(second.area, (rect{0, 1, 5, 1}));
    EXPECT_TRUE(c.results.empty());
    message m = c.receive(10s, "result"); // comes while the second row is still to be sent
    run_result const one = decode_result(std::move(m));
    EXPECT_EQ(one.y, 0);
    EXPECT_EQ(one.picture.height, 2);
    c.answer(second);
    c.answers = true;
    EXPECT_EQ(c.receive_type(), "done");
    ASSERT_EQ(c.results.size(), 2u);
    EXPECT_EQ(c.results[1].y, 4);
    EXPECT_EQ(c.results[1].picture.pixels[0], ramp(5, 3).pixels[std::size_t(2) * 5 * 4]);
    EXPECT_EQ(c.results[1].recipe.upscale.tile, fake_seed::in_rows);
}

TEST(session, every_operation_is_served) {
    engine e;
    client c(e);
    request r{.operation = operation::txt2img, .seed = 255};
    r.diffusion.model = "m";
    r.diffusion.width = r.diffusion.height = 64;
    r.diffusion.batch = 2;
    c.send(encode_run("run", 1, {.request = r}));
    EXPECT_EQ(c.receive_type(), "done");
    ASSERT_EQ(c.results.size(), 2u);
    EXPECT_EQ(c.results[0].picture.width, 64);
    EXPECT_EQ(c.results[0].picture.pixels[0], 1);
    EXPECT_EQ(c.results[1].recipe.seed, 256);
    EXPECT_EQ(c.results[1].recipe.diffusion.batch, 1);
    r.operation = operation::img2img;
    r.seed = 51;
    c.mine.pictures["picture"] = ramp(70, 66);
    c.id = 2;
    c.send(encode_run("run", 2, c.mine.input(r)));
    EXPECT_EQ(c.receive_type(), "done");
    EXPECT_EQ(c.results.at(2).picture.height, 66);
    EXPECT_EQ(c.results[2].picture.pixels[3], 3); // alpha as it was
}

TEST(session, warnings_previews_and_stages_come_in_parts) {
    engine e;
    client c(e);
    c.id = 7;
    c.mine.pictures["picture"] = picture(4, 4);
    c.mine.masks["selection"] = mask(4, 4);
    run_input in = c.mine.input({.seed = fake_seed::warns});
    in.previews = true;
    c.send(encode_run("run", 7, in));
    message const warning = c.receive();
    EXPECT_EQ(warning.type(), "warning");
    EXPECT_EQ(warning.head["id"], 7);
    EXPECT_EQ(sentence_from_json(warning.head["message"]), say("{} is not {}", "this", "so"));
    message seen = c.receive(10s, "progress");
    while (seen.type() == "progress" && seen.blobs.empty()) seen = c.receive(10s, "progress");
    ASSERT_EQ(seen.blobs.size(), 1u);
    EXPECT_EQ(seen.blobs[0].shape, (std::vector{2, 3, 4}));
    EXPECT_EQ(decode_progress(seen).stage, say("fake {} × {}", 3, 2));
    EXPECT_EQ(decode_progress(seen).text(), "picture 1 of 2, fake 3 × 2");
    EXPECT_EQ(c.receive_type(), "done");
}

TEST(session, keys_that_are_not_known_are_warned_of) {
    engine e;
    client c(e);
    json const request{{"sfumato", 1}, {"operation", "txt2img"}, {"seed", 1},
                       {"width", 64},  {"height", 64},           {"swirl", 3}};
    c.send(encode({{"type", "run"}, {"id", 3}, {"request", request}}));
    message const warning = c.receive();
    EXPECT_EQ(warning.type(), "warning");
    EXPECT_TRUE(mentions(warning.head["message"]["text"].get<std::string>(), "\"swirl\""));
    EXPECT_EQ(c.receive_type(), "done");
}

// It once ended the engine, and with it everybody's runs.
TEST(session, a_seed_that_is_to_be_chosen_is_chosen) {
    engine e;
    for (char const* operation : {"inpaint", "img2img", "txt2img"}) {
        client c(e);
        c.mine.pictures["picture"] = picture(64, 64);
        c.mine.masks["selection"] = mask(64, 64);
        json const pictures = json::array({{{"name", "picture"}, {"width", 64}, {"height", 64}, {"channels", 4}},
                                           {{"name", "selection"}, {"width", 64}, {"height", 64}, {"channels", 1}}});
        json request{{"sfumato", 1}, {"operation", operation}, {"seed", -1}};
        if (request["operation"] == "txt2img") request.update({{"width", 64}, {"height", 64}});
        c.send(encode({{"type", "run"}, {"request", request}, {"pictures", pictures}}));
        EXPECT_EQ(c.receive_type(), "done") << operation;
        EXPECT_GE(c.results.at(0).recipe.seed, 0);
    }
}

TEST(session, a_run_that_cannot_be_is_refused_at_once) {
    engine e;
    client c(e);
    auto const picture_of = [](json const& name, json const& width, json const& height, json const& channels) {
        return json{{"name", name}, {"width", width}, {"height", height}, {"channels", channels}};
    };
    json const inpaint{{"sfumato", 1}, {"seed", 1}}, upscale{{"sfumato", 1}, {"operation", "upscale"}, {"scale", 16}},
        img2img{{"sfumato", 1}, {"operation", "img2img"}, {"seed", 1}};
    json const good = picture_of("picture", 8, 8, 4), mask = picture_of("selection", 8, 8, 1);
    struct {
        json request, pictures;
        char const* says;
    } const cases[] = {
        {json(), json::array(), "JSON object"},
        {{{"sfumato", 7}}, json::array(), "\"sfumato\""},
        {{{"sfumato", 1}, {"method", "magic"}}, json::array(), "\"method\""},
        {inpaint, json::array(), "called \"picture\""},
        {inpaint, {good}, "called \"selection\""},
        {inpaint, {good, picture_of("selection", 8, 7, 1)}, "its mask 8 × 7"},
        {inpaint, {good, picture_of("selection", 8, 8, 4)}, "must have 1 channels"},
        {inpaint, {picture_of("picture", 8, 8, 1), mask}, "must have 4 channels"},
        {inpaint, {picture_of("picture", 20'000, 20'000, 4), picture_of("selection", 20'000, 20'000, 1)}, "too large"},
        {img2img, {picture_of("picture", 20'000, 20'000, 4)}, "too large"},
        {upscale, {picture_of("picture", 1 << 24, 1 << 24, 4)}, "too many"},
        {upscale, {picture_of("picture", 1 << 28, 1, 4)}, "cannot have"},
        {upscale, {picture_of("picture", 0, 1, 4)}, "whole number from 1"},
        {upscale, {picture_of("picture", -1, 1, 4)}, "whole number from 1"},
        {upscale, {picture_of("picture", 1.5, 1, 4)}, "whole number from 1"},
        {upscale, {picture_of("picture", 1, 1, 9)}, "whole number from 1 to 4"},
        {upscale, {picture_of("picture", 1, 1ull << 63, 4)}, "whole number from 1"},
        {upscale, {picture_of(std::string(65, 'x'), 1, 1, 4)}, "at most 64 bytes"},
        {upscale, {picture_of(7, 1, 1, 4)}, "at most 64 bytes"},
        {upscale, {7}, "must be described by an object"},
        {upscale, 7, "must be a list of at most 16"},
        {upscale, std::vector<json>(17, good), "must be a list of at most 16"},
    };
    for (auto const& k : cases)
        for (char const* type : {"run", "estimate"}) {
            c.send(encode({{"type", type}, {"id", 5}, {"request", k.request}, {"pictures", k.pictures}}));
            message const m = c.receive();
            ASSERT_EQ(m.type(), "error") << k.says;
            EXPECT_EQ(m.head["id"], 5);
            EXPECT_TRUE(mentions(m.head["message"]["text"].get<std::string>(), k.says)) << m.head["message"]["text"];
        }
    for (json const& id : {json(-1), json("x"), json(1ull << 63), json(1.5)}) {
        c.send(encode({{"type", "run"}, {"id", id}, {"request", upscale}, {"pictures", {good}}}));
        EXPECT_TRUE(mentions(c.receive_error(), "\"id\"")) << id;
    }
    c.send(encode({{"type", "run"}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"request\""));
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done");
}

// ---- A client that lies

TEST(session, pixels_of_another_size_end_the_run_and_the_connection) {
    engine e;
    picture const square = ramp(3, 3);
    mask const values(5, 1);
    for (blob_view const& wrong :
         {blob_view{"picture", {3, 3, 4}, square.pixels}, {"picture", {1, 5}, values.values}}) {
        client c(e);
        c.upscale(fake_seed::in_rows);
        c.answers = false;
        want_message const w = decode_want(c.receive(10s, "want"));
        c.send(pixels(1, w.number, wrong));
        EXPECT_TRUE(mentions(c.receive_error(), "not the 5 × 1 pixels")) << wrong.shape.size();
        EXPECT_EQ(c.receive_type(), "hung up");
    }
    expect_alive(e);
}

TEST(session, what_was_sent_twice_or_never_asked_for_ends_the_run_and_the_connection) {
    engine e;
    for (std::uint64_t number : {1, 99}) {
        client c(e);
        c.upscale(fake_seed::in_rows);
        c.answers = false;
        want_message const w = decode_want(c.receive(10s, "want"));
        c.answer(w);
        EXPECT_EQ(decode_want(c.receive(10s, "want")).number, 2u);
        picture const row = ramp(5, 1);
        c.send(pixels(1, number, {"picture", {1, 5, 4}, row.pixels}));
        EXPECT_TRUE(mentions(c.receive_error(), "that nobody asked for"));
        EXPECT_EQ(c.receive_type(), "hung up");
    }
    expect_alive(e);
}

TEST(session, pixels_that_no_picture_has_end_the_run) {
    engine e;
    client c(e);
    c.answers = false;
    for (float bad : {NAN, INFINITY, -INFINITY}) {
        c.upscale(fake_seed::in_rows);
        want_message const w = decode_want(c.receive(10s, "want"));
        picture row = ramp(5, 1);
        row.pixels[2 * 4 + 3] = bad;
        c.send(pixels(c.id, w.number, {"picture", {1, 5, 4}, row.pixels}));
        EXPECT_TRUE(mentions(c.receive_error(), "column 2, row 0"));
    }
    for (float bad : {NAN, -0.01f, 1.01f}) {
        c.run(1);
        want_message w = decode_want(c.receive(10s, "want"));
        if (w.name != "selection") w = decode_want(c.receive(10s, "want"));
        mask m(8, 8);
        m.values[3 * 8 + 2] = bad;
        c.send(pixels(c.id, w.number, {"mask", {8, 8}, m.values}));
        EXPECT_TRUE(mentions(c.receive_error(), "column 2, row 3"));
    }
    for (json const& want : {json(), json(1), json("x")}) { // and none at all
        c.upscale(0);
        EXPECT_EQ(c.receive(10s, "want").type(), "want");
        c.send(encode({{"type", "pixels"}, {"id", c.id}, {"want", want}}));
        EXPECT_EQ(c.receive_type(), "error");
    }
    c.answers = true;
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done"); // the connection goes on
}

TEST(session, pixels_that_come_too_late_are_passed_over) {
    engine e;
    client c(e);
    c.answers = false;
    c.upscale(fake_seed::in_rows);
    want_message const w = decode_want(c.receive(10s, "want"));
    c.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(c.receive_type(1s), "cancelled");
    c.answer(w);
    EXPECT_TRUE(c.is_answered());
    c.answers = true;
    c.upscale(0);
    c.send(pixels(c.id - 1, w.number, {"picture", {1, 5, 4}, ramp(5, 1).pixels}));
    EXPECT_EQ(c.receive_type(), "done");
    EXPECT_EQ(c.results.back().picture.width, 10);
}

TEST(session, a_client_that_sends_no_pixels_ends_its_run) {
    engine e({"--patience", "1"});
    client silent(e), other(e);
    silent.answers = false;
    silent.upscale(0);
    EXPECT_EQ(silent.receive(10s, "want").type(), "want");
    other.run(1);
    EXPECT_TRUE(mentions(silent.receive_error(), "did not come within 1 seconds"));
    EXPECT_EQ(other.receive_type(), "done");
    silent.answers = true;
    silent.run(1);
    EXPECT_EQ(silent.receive_type(), "done");
}

TEST(session, a_client_that_leaves_in_the_middle_ends_its_run) {
    engine e;
    for (int how : {0, 1, 2}) {
        client c(e);
        c.answers = false;
        c.upscale(fake_seed::in_rows, 700, 3);
        want_message const w = decode_want(c.receive(10s, "want"));
        if (how == 1) c.send(std::string_view(encode_pixels(1, w.number, ramp(700, 1)).start).substr(0, 40));
        if (how == 2) { // half of the pixels
            picture const row = ramp(700, 1);
            outgoing const out = encode_pixels(1, w.number, row);
            c.send(out.start);
            c.send({reinterpret_cast<char const*>(row.pixels.data()), 5000});
        }
    }
    expect_alive(e);
}

TEST(session, blobs_that_nobody_asked_for_are_not_read) {
    engine e;
    client c(e);
    picture const p = ramp(500, 500);
    for (char const* type : {"pixels", "run", "cancel", "dance"}) {
        c.send(encode({{"type", type}, {"id", 1}, {"want", 1}}, {{"picture", {500, 500, 4}, p.pixels}}));
        if (std::string_view(type) == "run" || std::string_view(type) == "dance") {
            EXPECT_EQ(c.receive_type(), "error");
        }
    }
    EXPECT_TRUE(c.is_answered());
}

TEST(session, a_job_that_wants_what_is_not_there_is_an_error) {
    engine e;
    client c(e);
    c.run(fake_seed::reads_outside);
    EXPECT_TRUE(mentions(c.receive_error(), "lies outside"));
    expect_alive(e);
}

// ---- Questions

TEST(session, an_estimate_reads_what_it_needs_and_says_the_plan) {
    engine e;
    client c(e);
    c.run(1, 8, "estimate");
    message const done = c.receive();
    ASSERT_EQ(done.type(), "done");
    EXPECT_EQ(done.head["id"], 1);
    EXPECT_EQ(run_plan_from_json(done.head["plan"]).text, say("{} pixels are selected", 1));
    EXPECT_TRUE(c.results.empty());
    c.send(encode_run("estimate", 2, c.upscale_input(0, 9, 9)));
    EXPECT_EQ(run_plan_from_json(c.receive().head.at("plan")).seconds, 3);
    c.run(fake_seed::fails, 8, "estimate");
    EXPECT_EQ(c.receive_error(), "The fake job fails as it was told.");
}

TEST(session, a_model_is_described_while_the_device_works) {
    engine e;
    client busy(e), c(e);
    busy.run(fake_seed::until_cancelled);
    EXPECT_EQ(busy.receive(10s, "progress").type(), "progress");
    c.send(encode_describe(4, "procedural:srvgg-x4-tiny"));
    message const m = c.receive();
    ASSERT_EQ(m.type(), "model");
    EXPECT_EQ(m.head["id"], 4);
    EXPECT_EQ(decode_model(m).factor, 4);
    EXPECT_TRUE(decode_model(m).is_upscaler());
    EXPECT_EQ(c.receive_type(), "done");
    c.send(encode_describe(5, "procedural:sd1-tiny"));
    EXPECT_GT(decode_model(c.receive()).native_size, 0);
    EXPECT_EQ(c.receive_type(), "done");
    c.send(encode_describe(6, "/nowhere/x.pth"));
    EXPECT_TRUE(mentions(decode_model(c.receive()).error, "/nowhere/x.pth"));
    EXPECT_EQ(c.receive_type(), "done");
}

TEST(session, models_are_found_and_damaged_ones_too) {
    scratch_folder folder;
    write_text(folder / "broken.pth", "no model");
    ::setenv("SFUMATO_MODELS", folder.path.c_str(), 1);
    ::setenv("HOME", folder.path.c_str(), 1); // other programs' models are not looked for
    engine e;
    client c(e);
    for (model_kind kind : {model_kind::all, model_kind::upscaler}) {
        std::map<std::string, model_summary> found;
        c.send(encode_models(3, kind));
        message m = c.receive();
        for (; m.type() == "model"; m = c.receive()) found[decode_model(m).path] = decode_model(m);
        EXPECT_EQ(m.type(), "done");
        EXPECT_FALSE(found[folder / "broken.pth"].error.empty());
        EXPECT_EQ(found["sfumato:upscale-x4"].scale, 4);
        EXPECT_TRUE(found["sfumato:upscale-x4"].supported);
    }
    c.send(encode_models(3, model_kind::lama));
    EXPECT_EQ(c.receive_type(), "done"); // there is none
    std::string const lama = folder.put("my-lama.pt", torch_script_file(procedural_checkpoint("lama-tiny")));
    c.send(encode_models(3, model_kind::lama));
    EXPECT_EQ(decode_model(c.receive()).path, lama);
    EXPECT_EQ(c.receive_type(), "done");
    c.send(encode({{"type", "models"}, {"kind", "bogus"}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"bogus\""));
    c.send(encode({{"type", "describe"}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"model\""));
}
