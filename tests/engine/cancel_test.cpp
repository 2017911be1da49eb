// Cancel in each state of a run, and a reader that takes nothing.
#include "tests/engine/raw_client.h"

using namespace sfumato;

TEST(session, cancel_while_pixels_are_wanted) {
    engine e;
    client c(e);
    c.answers = false;
    c.upscale(0);
    EXPECT_EQ(c.receive(10s, "want").type(), "want");
    c.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(c.receive_type(1s), "cancelled");
}

TEST(session, cancel_between_two_parts) {
    engine e;
    client c(e);
    c.answers = false;
    c.upscale(fake_seed::in_rows, 5, 30);
    c.answer(decode_want(c.receive(10s, "want")));
    EXPECT_EQ(c.receive(10s, "want").type(), "want"); // for the next part
    EXPECT_EQ(c.receive(10s, "result").type(), "result");
    c.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(c.receive_type(1s), "cancelled");
}

TEST(session, cancel_while_results_wait_for_their_reader) {
    engine e;
    client c(e);
    c.upscale(fake_seed::in_rows, 30'000, 20);
    c.answers = false;
    for (int i = 0; i < 2; ++i) c.answer(decode_want(c.receive(10s, "want")));
    std::this_thread::sleep_for(300ms); // results of 1.9 MB each fill the socket
    c.send(encode({{"type", "cancel"}}));
    message m = c.receive();
    while (m.type() == "want") m = c.receive();
    EXPECT_EQ(m.type(), "cancelled");
    client next(e);
    next.run(1);
    EXPECT_EQ(next.receive_type(), "done");
}

TEST(session, cancel_after_the_end_and_before_any_run_is_nothing) {
    engine e;
    client c(e);
    c.send(encode({{"type", "cancel"}}));
    c.run(1);
    EXPECT_EQ(c.receive_type(), "done");
    c.send(encode({{"type", "cancel"}}));
    EXPECT_TRUE(c.is_answered());
}

TEST(session, cancel_ends_a_question) {
    engine e;
    client c(e), busy(e);
    busy.run(fake_seed::until_cancelled);
    EXPECT_EQ(busy.receive(10s, "progress").type(), "progress");
    c.run(1, 8, "estimate"); // waits for the device
    c.send(encode({{"type", "cancel"}}));
    EXPECT_EQ(c.receive_type(1s), "cancelled");
}

// A reader that takes nothing is waited for: what the run makes does not pile up.
TEST(session, results_do_not_pile_up) {
    engine e;
    client c(e);
    c.upscale(fake_seed::in_rows, 100'000, 60); // each result has 6.4 MB
    c.answers = false;
    for (int i = 0; i < 3; ++i) c.answer(decode_want(c.receive(10s, "want")));
    std::this_thread::sleep_for(500ms);
    std::string const statm = text_of("/proc/" + std::to_string(e.running->pid) + "/statm");
    std::size_t const resident = std::size_t(std::stoul(statm.substr(statm.find(' ')))) * 4096;
    EXPECT_LT(resident, std::size_t(150) << 20);
    c.answers = true;
    EXPECT_EQ(c.receive_type(), "done");
    EXPECT_EQ(c.results.size(), 60u);
}
