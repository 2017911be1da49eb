// The engine process: who may talk to it and when it ends. tests/engine/session_test.cpp has what is said in a run.
#include "tests/engine/raw_client.h"

#include <sys/socket.h>
#include <sys/stat.h>

using namespace sfumato;

TEST(serve, says_who_it_is) {
    engine e({"--build", "this-one"});
    client c(e);
    c.send(encode({{"type", "hello"}}));
    message const hello = c.receive();
    EXPECT_EQ(hello.type(), "hello");
    EXPECT_EQ(hello.head["build"], "this-one");
    EXPECT_EQ(hello.head["pid"], e.running->pid);
    EXPECT_EQ(hello.head["version"], SFUMATO_VERSION);
}

TEST(serve, runs_a_request_and_reports_progress) {
    engine e;
    client c(e);
    c.run(102);
    message const progress = c.receive(10s, "progress");
    EXPECT_EQ(progress.type(), "progress");
    EXPECT_EQ(decode_progress(progress).stage, sentence("fake"));
    message const done = c.receive();
    EXPECT_EQ(done.type(), "done");
    EXPECT_EQ(done.head["id"], 1);
    EXPECT_GE(done.head["seconds"], 0);
    run_result const& result = c.results.at(0);
    EXPECT_EQ(result.picture.pixels[0], 102.f / 255);
    EXPECT_EQ(result.picture.pixels[4], 0);
    EXPECT_EQ(result.mask.values[0], 1);
    EXPECT_EQ(result.recipe, (request{.method = method::patchmatch, .seed = 102}));
}

TEST(serve, a_failing_job_is_an_error_reply_and_the_engine_lives) {
    engine e;
    client c(e);
    c.run(fake_seed::fails);
    EXPECT_EQ(c.receive_error(), "The fake job fails as it was told.");
    c.run(fake_seed::out_of_memory);
    EXPECT_TRUE(mentions(c.receive_error(), "not enough memory"));
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done");
}

TEST(serve, cancel_ends_a_running_job) {
    engine e;
    client c(e);
    c.send(encode({{"type", "cancel"}})); // nothing to cancel is no error: a result may be on its way
    c.run(fake_seed::until_cancelled);
    EXPECT_EQ(c.receive(10s, "progress").type(), "progress");
    c.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(c.receive_type(1s), "cancelled");
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done");
}

TEST(serve, cancel_takes_a_waiting_job_out_of_the_line) {
    engine e;
    client first(e), second(e);
    first.run(fake_seed::until_cancelled);
    EXPECT_EQ(first.receive(10s, "progress").type(), "progress");
    second.run(1);
    second.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(second.receive_type(1s), "cancelled");
}

TEST(serve, a_client_that_disappears_cancels_its_job) {
    engine e;
    {
        client c(e);
        c.run(fake_seed::until_cancelled);
        EXPECT_EQ(c.receive(10s, "progress").type(), "progress");
    }
    client next(e);
    next.run(1);
    EXPECT_EQ(next.receive_type(2s), "done"); // it would wait for ever behind the first
}

TEST(serve, one_run_at_a_time_for_each_connection) {
    engine e;
    client c(e);
    c.run(fake_seed::until_cancelled);
    c.run(1);
    EXPECT_TRUE(mentions(c.receive_error(), "last run has not ended"));
}

TEST(serve, clients_take_turns) {
    engine e;
    client greedy(e), modest(e);
    // The greedy one asks again the moment it is answered; the modest one asks once, meanwhile.
    greedy.run(fake_seed::half_a_second);
    EXPECT_EQ(greedy.receive(10s, "progress").type(), "progress");
    modest.run(1);
    ASSERT_TRUE(modest.is_answered()); // its run is in the line by now, and the engine answers while it works
    EXPECT_EQ(greedy.receive_type(), "done");
    greedy.run(fake_seed::until_cancelled);
    EXPECT_EQ(modest.receive_type(2s), "done");
}

TEST(serve, many_clients_are_all_served) {
    engine e;
    std::vector<std::unique_ptr<client>> all;
    for (int i = 0; i < 40; ++i) {
        all.push_back(std::make_unique<client>(e));
        all.back()->run(i, 64);
    }
    for (int i = 0; i < 40; ++i) {
        client& c = *all[std::size_t(i)];
        EXPECT_EQ(c.receive_type(), "done");
        EXPECT_EQ(c.results.at(0).picture.pixels[0], float(i) / 255);
    }
}

TEST(serve, too_many_connections_are_told) {
    engine e;
    std::vector<std::unique_ptr<client>> all;
    for (int i = 0; i < 64; ++i) {
        all.push_back(std::make_unique<client>(e));
        ASSERT_TRUE(all.back()->is_answered());
    }
    client one_more(e);
    EXPECT_TRUE(mentions(one_more.receive_error(), "too many connections"));
    EXPECT_EQ(one_more.receive_type(), "hung up");
    EXPECT_TRUE(all.front()->is_answered());
}

TEST(serve, survives_malformed_messages) {
    engine e;
    std::string deep = R"({"type":)" + std::string(5000, '[');
    std::string const header = std::string("SFUM\2\0\0\0", 8);
    for (std::string const& garbage :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\0'), header + std::string(16, '\xFF'),
          header + std::string("\x88\x13\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) + deep}) {
        client c(e);
        c.send(garbage);
        EXPECT_EQ(c.receive_type(), "error");
        EXPECT_EQ(c.receive_type(), "hung up");
    }
    // Framing is good, the content is not: an error, and the connection goes on.
    client c(e);
    c.send(encode({{"type", "dance"}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"dance\""));
    c.send(encode({{"type", "run"}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"request\""));
    c.send(encode({{"type", "run"}, {"request", {{"sfumato", 1}, {"method", "magic"}}}}));
    EXPECT_TRUE(mentions(c.receive_error(), "\"method\""));
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done");
    { // half a message, then gone
        client half(e);
        half.send(std::string_view(encode({{"type", "hello"}}).start).substr(0, 30));
    }
    EXPECT_TRUE(client(e).is_answered());
}

TEST(serve, another_protocol_version_may_say_hello_and_quit_only) {
    engine e;
    client c(e);
    auto const with_version_9 = [](outgoing out) {
        out.start[4] = 9;
        return out;
    };
    c.send(with_version_9(encode({{"type", "hello"}})));
    EXPECT_EQ(c.receive_type(), "hello");
    c.send(with_version_9(encode({{"type", "cancel"}})));
    EXPECT_TRUE(mentions(c.receive_error(), "protocol 2, not 9"));
    c.send(with_version_9(encode({{"type", "quit"}})));
    EXPECT_EQ(c.receive_type(), "bye");
    EXPECT_EQ(e.running->wait(), 0);
}

TEST(serve, quit_finishes_its_work_and_leaves_the_socket_at_once) {
    engine e;
    client worker(e), leaver(e);
    worker.run(fake_seed::half_a_second);
    EXPECT_EQ(worker.receive(10s, "progress").type(), "progress");
    leaver.send(encode({{"type", "quit"}}));
    EXPECT_EQ(leaver.receive_type(), "bye");
    EXPECT_FALSE(socket_connect(e.socket));
    auto const old = std::move(e.running);
    e.start(); // the next engine takes the socket while the old one works
    ASSERT_TRUE(eventually([&] { return bool(socket_connect(e.socket)); }, 2s));
    EXPECT_EQ(worker.receive_type(), "done");
    EXPECT_EQ(old->wait(), 0);
    EXPECT_TRUE(client(e).is_answered()); // and the old one has not taken the new one's socket along
}

TEST(serve, ends_when_idle_but_not_while_working) {
    engine e({"--idle-exit", "1"});
    auto const start = std::chrono::steady_clock::now();
    client c(e); // a connection without work keeps nothing alive
    for (int i = 0; i < 3; ++i) {
        c.run(fake_seed::half_a_second);
        EXPECT_EQ(c.receive_type(), "done");
    }
    EXPECT_EQ(e.running->wait(5s), 0);
    EXPECT_GT(std::chrono::steady_clock::now() - start, 2400ms); // three halves and the idle second
    EXPECT_EQ(c.receive_type(), "hung up");
    EXPECT_FALSE(std::filesystem::exists(e.socket));
}

TEST(serve, sigterm_ends_it_cleanly_in_mid_run) {
    engine e;
    client c(e);
    c.run(fake_seed::until_cancelled);
    EXPECT_EQ(c.receive(10s, "progress").type(), "progress");
    e.running->signal(SIGTERM);
    EXPECT_TRUE(mentions(c.receive_error(), "ended from outside"));
    EXPECT_EQ(e.running->wait(3s), 0);
    EXPECT_FALSE(std::filesystem::exists(e.socket));
}

TEST(serve, sigterm_ends_it_even_when_the_job_does_not_notice) {
    engine e;
    client c(e);
    c.run(fake_seed::never_notices);
    EXPECT_EQ(c.receive(10s, "progress").type(), "progress");
    e.running->signal(SIGTERM);
    EXPECT_EQ(e.running->wait(8s), 0);
}

TEST(serve, a_lost_device_is_told_to_all_and_ends_the_engine) {
    engine e;
    client busy(e), loser(e), waiting(e);
    busy.run(fake_seed::half_a_second);
    EXPECT_EQ(busy.receive(10s, "progress").type(), "progress");
    loser.run(fake_seed::loses_device);
    ASSERT_TRUE(loser.is_answered());
    waiting.run(1);
    EXPECT_EQ(busy.receive_type(), "done");
    EXPECT_EQ(loser.receive_error(), "The fake device is lost.");
    EXPECT_EQ(waiting.receive_error(), "The fake device is lost.");
    EXPECT_EQ(e.running->wait(3s), 1);
    EXPECT_FALSE(std::filesystem::exists(e.socket));
}

TEST(serve, a_stale_socket_is_replaced) {
    engine e;
    e.running->signal(SIGKILL);
    EXPECT_EQ(e.running->wait(), 128 + SIGKILL);
    EXPECT_TRUE(std::filesystem::exists(e.socket));
    EXPECT_FALSE(socket_connect(e.socket));
    e.start();
    ASSERT_TRUE(eventually([&] { return bool(socket_connect(e.socket)); }));
    EXPECT_TRUE(client(e).is_answered());
}

TEST(serve, a_second_engine_refuses_and_the_first_goes_on) {
    engine e;
    scratch_folder elsewhere;
    process second({FAKE_SFUMATO, "serve", "--socket", e.socket}, elsewhere.path);
    EXPECT_EQ(second.wait(), 1);
    EXPECT_TRUE(mentions(second.err(), "already listening")) << second.err();
    EXPECT_TRUE(client(e).is_answered());
}

TEST(serve, a_file_in_the_sockets_place_is_not_removed) {
    scratch_folder folder;
    write_text(folder.path / "precious", "data");
    process p({FAKE_SFUMATO, "serve", "--socket", folder.path / "precious"}, folder.path);
    EXPECT_EQ(p.wait(), 1);
    EXPECT_TRUE(mentions(p.err(), "is not a socket")) << p.err();
    EXPECT_EQ(text_of(folder.path / "precious"), "data");
}

TEST(serve, a_directory_open_to_others_is_refused) {
    scratch_folder folder;
    std::filesystem::create_directory(folder.path / "sfumato");
    ASSERT_EQ(::chmod((folder.path / "sfumato").c_str(), 0755), 0);
    process p({"/usr/bin/env", "XDG_RUNTIME_DIR=" + folder.path.string(), FAKE_SFUMATO, "serve"}, folder.path);
    EXPECT_EQ(p.wait(), 1);
    EXPECT_TRUE(mentions(p.err(), "chmod 700")) << p.err();
}

TEST(serve, its_own_directory_is_made_private) {
    scratch_folder folder;
    std::string const deep = folder.path / std::string(120, 'd'); // longer than a socket address holds
    std::filesystem::create_directory(deep);
    process p({"/usr/bin/env", "XDG_RUNTIME_DIR=" + deep, FAKE_SFUMATO, "serve"}, folder.path);
    ASSERT_TRUE(eventually([&] { return bool(socket_connect(deep + "/sfumato/engine.sock")); })) << p.err();
    EXPECT_EQ(std::filesystem::status(deep + "/sfumato").permissions(), std::filesystem::perms::owner_all);
}

// A reader that takes nothing while 60 MB wait for it: others are served, and the engine does not pile up more.
TEST(serve, a_slow_reader_holds_up_nobody) {
    engine e;
    client slow(e);
    slow.run(7, 1500); // 1500² × 20 bytes come back: far more than a socket buffer
    for (int i = 0; i < 2; ++i) slow.answer(decode_want(slow.receive(10s, "want")));
    client c(e);
    for (int i = 0; i < 5; ++i) {
        c.run(i);
        EXPECT_EQ(c.receive_type(5s), "done");
    }
    EXPECT_EQ(slow.receive_type(), "done");
    EXPECT_EQ(slow.results.at(0).picture.width, 1500);
}
