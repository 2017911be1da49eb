// The plug-in's client against real engine processes (`fake_sfumato serve`), which it finds and starts by itself.
#include "compute/error.h"
#include "engine/client.h"
#include "engine/messages.h"
#include "engine/socket.h"
#include "request/memory_client.h"
#include "tests/cli/process.h"
#include "tests/engine/fake_jobs.h"

#include <dirent.h>

using namespace sfumato;
using namespace std::chrono_literals;

namespace {

// Each test has a place of its own for the socket, and leaves no engine behind.
struct engine_client : testing::Test {
    scratch_folder folder;
    std::filesystem::path const directory = folder.path / "sfumato";
    std::atomic<bool> const stopped = true;

    engine_client() {
        ::setenv("XDG_RUNTIME_DIR", folder.path.c_str(), 1);
        ::setenv("SFUMATO_ENGINE", FAKE_SFUMATO, 1);
    }
    ~engine_client() override {
        if (pid_t const pid = engine_pid()) ::kill(pid, SIGKILL);
    }

    // Asks whoever listens; 0 = nobody.
    pid_t engine_pid() const {
        file_descriptor const fd = socket_connect(directory / "engine.sock");
        if (!fd) return 0;
        outgoing const hello = encode({{"type", "hello"}});
        socket_send(fd, std::as_bytes(std::span(hello.start)));
        message_reader reader;
        std::vector<std::byte> room(4096);
        std::optional<message> m;
        EXPECT_TRUE(eventually([&] {
            auto const n = socket_receive(fd, room);
            if (n > 0) reader.feed(std::span(room).first(std::size_t(n)));
            return n < 0 || (m = reader.next());
        }));
        return m ? m->head.at("pid").get<pid_t>() : 0;
    }
};

// A fill of one pixel; nothing: cancelled.
std::optional<run_result> run(std::int64_t seed, job const& j = {}, int side = 16) {
    memory_client client;
    client.pictures["picture"] = picture(side, side);
    mask m(side, side);
    m.values[0] = 1;
    client.masks["selection"] = std::move(m);
    if (!engine_run(client.input({.seed = seed}), client, j)) return {};
    return std::move(client.results.at(0));
}

std::string error_of(std::int64_t seed, job const& j = {}) {
    try {
        run(seed, j);
    } catch (error const& e) {
        return e.what();
    }
    return "no error";
}

bool mentions(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

int children_of_mine() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 1; }

int open_descriptors() {
    int count = 0;
    DIR* d = ::opendir("/proc/self/fd");
    while (::readdir(d)) ++count;
    ::closedir(d);
    return count;
}

} // namespace

TEST_F(engine_client, starts_the_engine_once_and_uses_it_again) {
    int const descriptors = open_descriptors();
    std::vector<std::string> stages;
    job j{.report = [&](progress const& p) { stages.push_back(p.stage.text()); }};
    auto const result = run(51, j);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->picture.pixels[0], 0.2f);
    EXPECT_EQ(stages.front(), "start the engine");
    EXPECT_EQ(stages.back(), "fake");
    pid_t const pid = engine_pid();
    EXPECT_GT(pid, 0);
    EXPECT_EQ(::getsid(pid), pid); // detached: closing GIMP's terminal does not reach it
    stages.clear();
    ASSERT_TRUE(run(102, j));
    EXPECT_EQ(stages.front(), "fake"); // nothing was started
    EXPECT_EQ(engine_pid(), pid);
    EXPECT_EQ(children_of_mine(), 0);
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_TRUE(mentions(text_of(directory / "engine.log"), "done in"));
}

TEST_F(engine_client, a_large_picture_goes_both_ways) {
    auto const result = run(255, {}, 2000);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->picture.pixels.size(), std::size_t(2000) * 2000 * 4);
    EXPECT_EQ(result->picture.pixels[0], 1);
}

TEST_F(engine_client, a_failing_job_is_one_sentence) {
    EXPECT_EQ(error_of(fake_seed::fails), "The fake job fails as it was told.");
    EXPECT_TRUE(run(1));
}

TEST_F(engine_client, a_refused_picture_is_one_sentence) {
    memory_client client;
    client.pictures["picture"] = picture(4, 4);
    client.pictures["picture"].pixels[5] = std::numeric_limits<float>::quiet_NaN();
    client.masks["selection"] = mask(4, 4);
    try {
        engine_run(client.input({}), client, {});
        FAIL() << "no error";
    } catch (error const& e) {
        EXPECT_TRUE(mentions(e.what(), "column 1, row 0")) << e.what();
    }
    EXPECT_THROW(engine_run({}, client, {}), error);
}

// What a client throws while it is asked comes out, and the engine goes on.
TEST_F(engine_client, a_client_that_cannot_read_ends_its_run) {
    struct broken final : memory_client {
        std::optional<picture> read_picture(std::string_view, rect const&) override { fail("The disk is {}.", "gone"); }
    } client;
    client.pictures["picture"] = picture(4, 4);
    client.masks["selection"] = mask(4, 4);
    EXPECT_THROW(engine_run(client.input({.seed = 1}), client, {}), error);
    EXPECT_TRUE(run(1));
}

TEST_F(engine_client, a_large_picture_is_read_and_given_in_parts) {
    struct rows final : run_client {
        int reads = 0, takes = 0;
        std::vector<run_plan> plans{};
        std::optional<picture> read_picture(std::string_view name, rect const& area) override {
            EXPECT_EQ(name, "picture");
            EXPECT_EQ(area, (rect{0, reads++, 9, 1}));
            return picture(area.width, area.height);
        }
        std::optional<mask> read_mask(std::string_view, rect const&) override { return std::nullopt; }
        void take(run_result r) override {
            EXPECT_EQ(r.y, 3 * takes++);
            EXPECT_EQ(r.picture.width, 27);
        }
        void planned(run_plan const& p) override { plans.push_back(p); }
    } client;
    request r{.operation = operation::upscale};
    r.upscale = {.model = "sfumato:upscale-x2", .scale = 3, .tile = fake_seed::in_rows};
    EXPECT_TRUE(engine_run({.request = r, .pictures = {{"picture", 9, 40}}}, client, {}));
    EXPECT_EQ(client.reads, 40);
    EXPECT_EQ(client.takes, 40);
    ASSERT_EQ(client.plans.size(), 1u);
    EXPECT_EQ(client.plans[0].text, say("needs {} MB, {} MB free", 1, 2));
}

TEST_F(engine_client, previews_and_warnings_arrive) {
    struct watcher final : memory_client {
        std::vector<sentence> warnings{};
        int previews = 0;
        void warn(sentence const& s) override { warnings.push_back(s); }
        void preview(picture const& p) override { previews += p.width == 3; }
    } client;
    client.pictures["picture"] = picture(4, 4);
    client.masks["selection"] = mask(4, 4);
    run_input in = client.input({.seed = fake_seed::warns});
    in.previews = true;
    progress last;
    EXPECT_TRUE(engine_run(in, client, {.report = [&](progress const& p) { last = p; }}));
    EXPECT_EQ(client.previews, 1);
    EXPECT_EQ(client.warnings, std::vector{say("{} is not {}", "this", "so")});
    EXPECT_EQ(last.item, say("picture {} of {}", 1, 2));
}

TEST_F(engine_client, an_error_keeps_its_parts) {
    try {
        run(fake_seed::fails);
        FAIL();
    } catch (error const& e) {
        EXPECT_EQ(e.said, say("The fake job fails as it was {}.", "told"));
    }
}

TEST_F(engine_client, questions_are_answered) {
    memory_client client;
    client.pictures["picture"] = picture(4, 4);
    mask m(4, 4);
    m.values[5] = 1;
    client.masks["selection"] = std::move(m);
    auto const plan = engine_estimate(client.input({.seed = 1}), client, {});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->text.text(), "1 pixels are selected");
    auto const about = engine_describe("procedural:srvgg-x4-tiny", {});
    ASSERT_TRUE(about);
    EXPECT_EQ(about->factor, 4);
    std::vector<std::string> names;
    ::setenv("SFUMATO_MODELS", "/nowhere", 1);
    EXPECT_TRUE(engine_models(model_kind::upscaler, [&](model_summary const& s) { names.push_back(s.path); }, {}));
    EXPECT_NE(std::ranges::find(names, "sfumato:upscale-x2"), names.end());
    std::atomic<bool> const cancelled = true;
    EXPECT_FALSE(engine_describe("procedural:srvgg-x4-tiny", {.cancelled = &cancelled}));
}

TEST_F(engine_client, devices_are_listed_and_one_of_them_does_the_run) {
    auto const devices = engine_devices({});
    ASSERT_TRUE(devices);
    EXPECT_EQ(*devices, (std::vector<device_choice>{{"fake", "The fake device"}, {"1", "fake (1)"}}));
    memory_client client;
    run_input in = client.input({.operation = operation::txt2img, .seed = 1});
    in.request.diffusion.width = in.request.diffusion.height = 64;
    in.device = "fake";
    EXPECT_TRUE(engine_run(in, client, {}));
    in.device = "another";
    try {
        engine_run(in, client, {});
        FAIL();
    } catch (error const& e) {
        EXPECT_STREQ(e.what(), "No Vulkan device is called \"another\".");
    }
    EXPECT_FALSE(engine_devices({.cancelled = &stopped}));
}

TEST_F(engine_client, sends_the_engine_away_and_the_next_run_starts_another) {
    engine_end(); // where there is none
    EXPECT_EQ(engine_pid(), 0);
    ASSERT_TRUE(run(7));
    pid_t const first = engine_pid();
    ASSERT_GT(first, 0);
    engine_end();
    EXPECT_TRUE(eventually([&] { return engine_pid() == 0 && ::kill(first, 0) != 0; }));
    ASSERT_TRUE(run(7));
    EXPECT_NE(engine_pid(), first);
}

TEST_F(engine_client, a_killed_engine_is_one_sentence_and_the_next_run_works) {
    std::jthread killer([&] {
        EXPECT_TRUE(eventually([&] { return mentions(text_of(directory / "engine.log"), "on 16 × 16"); }));
        if (pid_t const engine = engine_pid(); engine > 0) ::kill(engine, SIGKILL); // 0 would be all of us
    });
    std::string const message = error_of(fake_seed::until_cancelled);
    EXPECT_TRUE(mentions(message, "The engine ended unexpectedly")) << message;
    EXPECT_TRUE(mentions(message, (directory / "engine.log").string())) << message;
    killer.join();
    EXPECT_TRUE(std::filesystem::exists(directory / "engine.sock")); // stale
    EXPECT_TRUE(run(1));
    EXPECT_EQ(children_of_mine(), 0);
}

TEST_F(engine_client, a_crash_in_the_job_is_one_sentence_and_the_next_run_works) {
    EXPECT_TRUE(mentions(error_of(fake_seed::crashes), "The engine ended unexpectedly"));
    EXPECT_TRUE(run(1));
}

TEST_F(engine_client, a_lost_device_is_one_sentence_and_the_next_run_has_a_fresh_engine) {
    ASSERT_TRUE(run(1));
    pid_t const first = engine_pid();
    EXPECT_EQ(error_of(fake_seed::loses_device), "The fake device is lost.");
    EXPECT_TRUE(run(1));
    EXPECT_NE(engine_pid(), first);
}

TEST_F(engine_client, cancel_answers_within_100_ms_and_leaves_the_engine_idle) {
    ASSERT_TRUE(run(1));
    pid_t const pid = engine_pid();
    for (int seed : {fake_seed::until_cancelled, fake_seed::half_a_second}) {
        std::atomic<bool> cancelled = false;
        std::chrono::steady_clock::time_point when;
        std::jthread canceller([&] {
            std::this_thread::sleep_for(200ms);
            when = std::chrono::steady_clock::now();
            cancelled = true;
        });
        EXPECT_FALSE(run(seed, {.cancelled = &cancelled}));
        EXPECT_LT(std::chrono::steady_clock::now() - when, 150ms); // 100, and what a busy machine adds
    }
    EXPECT_TRUE(run(1));
    EXPECT_EQ(engine_pid(), pid);
}

TEST_F(engine_client, cancel_works_while_the_engine_starts) {
    write_text(folder.path / "slow", "#!/bin/sh\nexec sleep 30\n");
    std::filesystem::permissions(folder.path / "slow", std::filesystem::perms::owner_all);
    ::setenv("SFUMATO_ENGINE", (folder.path / "slow").c_str(), 1);
    std::atomic<bool> cancelled = false;
    std::jthread canceller([&] {
        std::this_thread::sleep_for(200ms);
        cancelled = true;
    });
    auto const start = std::chrono::steady_clock::now();
    EXPECT_FALSE(run(1, {.cancelled = &cancelled}));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
    EXPECT_EQ(children_of_mine(), 0);
}

TEST_F(engine_client, cancel_works_while_a_picture_is_sent) {
    ASSERT_TRUE(run(1));
    pid_t const pid = engine_pid();
    ::kill(pid, SIGSTOP); // takes nothing, as a machine that swaps
    std::atomic<bool> cancelled = false;
    std::jthread canceller([&] {
        std::this_thread::sleep_for(300ms);
        cancelled = true;
    });
    auto const start = std::chrono::steady_clock::now();
    EXPECT_FALSE(run(1, {.cancelled = &cancelled}, 1000));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
    ::kill(pid, SIGCONT);
    EXPECT_TRUE(run(1));
}

TEST_F(engine_client, cancelled_before_it_began) {
    std::atomic<bool> const cancelled = true;
    EXPECT_FALSE(run(1, {.cancelled = &cancelled}));
    EXPECT_EQ(engine_pid(), 0); // not even started
}

TEST_F(engine_client, an_engine_of_another_build_is_replaced) {
    scratch_folder elsewhere;
    std::filesystem::create_directory(directory);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    process old({FAKE_SFUMATO, "serve", "--build", "last-week"}, elsewhere.path);
    ASSERT_TRUE(eventually([&] { return engine_pid() == old.pid; }));
    EXPECT_TRUE(run(1));
    EXPECT_NE(engine_pid(), old.pid);
    EXPECT_EQ(old.wait(), 0);
}

TEST_F(engine_client, a_busy_engine_of_another_build_finishes_its_work) {
    scratch_folder elsewhere;
    process old({FAKE_SFUMATO, "serve", "--build", "last-week"}, elsewhere.path);
    ASSERT_TRUE(eventually([&] { return engine_pid() == old.pid; }));
    file_descriptor const busy = socket_connect(directory / "engine.sock");
    auto const tell = [&](outgoing const& out) {
        socket_send(busy, std::as_bytes(std::span(out.start)));
        for (auto const& b : out.blobs) socket_send(busy, std::as_bytes(b));
    };
    memory_client slow;
    slow.pictures["picture"] = picture(2, 2);
    slow.masks["selection"] = mask(2, 2);
    tell(encode_run("run", 1, slow.input({.seed = fake_seed::half_a_second})));
    EXPECT_TRUE(run(1));
    message_reader reader;
    std::vector<std::byte> room(65536);
    std::string last;
    EXPECT_TRUE(eventually([&] {
        auto const n = socket_receive(busy, room);
        if (n > 0) reader.feed(std::span(room).first(std::size_t(n)));
        while (auto got = reader.next()) {
            last = got->type();
            if (last != "want") continue;
            want_message const w = decode_want(*got);
            tell(w.name == "picture" ? encode_pixels(1, w.number, slow.pictures["picture"])
                                     : encode_pixels(1, w.number, slow.masks["selection"]));
        }
        return last == "done";
    }));
    EXPECT_EQ(old.wait(), 0);
}

TEST_F(engine_client, six_at_once_share_one_engine) {
    std::vector<std::jthread> threads;
    std::atomic<int> filled = 0;
    for (int i = 0; i < 6; ++i) threads.emplace_back([&] { filled += run(1).has_value(); });
    threads.clear();
    EXPECT_EQ(filled, 6);
    std::string const log = text_of(directory / "engine.log");
    EXPECT_EQ(log.find("listens at"), log.rfind("listens at")); // one engine
}

TEST_F(engine_client, no_engine_to_be_found) {
    ::setenv("SFUMATO_ENGINE", "/nowhere/sfumato", 1);
    EXPECT_TRUE(mentions(error_of(1), "SFUMATO_ENGINE names /nowhere/sfumato"));
    ::unsetenv("SFUMATO_ENGINE");
    std::string const path = std::getenv("PATH");
    ::setenv("PATH", "/nowhere:", 1);
    EXPECT_TRUE(mentions(error_of(1), "was not found"));
    std::filesystem::create_directory(folder.path / "bin");
    std::filesystem::create_symlink(FAKE_SFUMATO, folder.path / "bin/sfumato");
    ::setenv("PATH", ("/nowhere:" + (folder.path / "bin").string()).c_str(), 1);
    EXPECT_TRUE(run(1)); // on PATH
    ::setenv("PATH", path.c_str(), 1);
}

TEST_F(engine_client, an_engine_that_cannot_start_says_why) {
    std::filesystem::create_directory(directory);
    write_text(directory / "engine.sock", "in the way");
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    EXPECT_TRUE(mentions(error_of(1), "is not a socket")) << error_of(1);
    std::filesystem::remove(directory / "engine.sock");
    ::setenv("SFUMATO_ENGINE", "/bin/false", 1);
    EXPECT_TRUE(mentions(error_of(1), "did not start: it ended with status")) << error_of(1);
    ::setenv("SFUMATO_ENGINE", "/bin/true", 1);
    EXPECT_TRUE(mentions(error_of(1), "ends as soon as it is started")) << error_of(1);
    EXPECT_EQ(children_of_mine(), 0);
}
