// What the panel is told over its socket, by friends and by others.
#include "ui/panel_messages.h"

#include "engine/endpoint.h"
#include "engine/socket.h"
#include "tests/environment_variable.h"
#include "tests/scratch_folder.h"

#include <chrono>
#include <format>
#include <glib.h>
#include <gtest/gtest.h>
#include <span>
#include <unistd.h>
#include <vector>

using namespace sfumato;

namespace {

struct panel_socket : testing::Test {
    scratch_folder folder;
    environment_variable runtime{"XDG_RUNTIME_DIR", folder.path.string()};
    std::vector<panel_message> heard;

    std::filesystem::path path() const { return folder.path / "sfumato" / std::format("panel-{}.sock", getppid()); }

    // Lets the main loop go on until so many have been heard, for 5 s at most.
    std::size_t wait_for(std::size_t count) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (heard.size() < count && std::chrono::steady_clock::now() < deadline)
            if (!g_main_context_iteration(nullptr, FALSE)) g_usleep(1000);
        while (g_main_context_iteration(nullptr, FALSE)) {}
        return heard.size();
    }
    panel_listener listen() {
        return panel_listener([this](panel_message const& m) { heard.push_back(m); });
    }
    void send(std::string const& text) const {
        file_descriptor const to = socket_connect(path());
        ASSERT_TRUE(bool(to));
        socket_send(to, std::as_bytes(std::span(text)));
    }
};

} // namespace

TEST(panel_message, comes_back_as_it_was) {
    for (panel_message const m : {panel_message{panel_message::show, 0},
                                  {panel_message::generate, 2147483647},
                                  {panel_message::fill, 1},
                                  {panel_message::refine, 2},
                                  {panel_message::create, 3},
                                  {panel_message::expand, 4}})
        EXPECT_EQ(read_panel_message(text_of(m)), m);
}

TEST(panel_message, nothing_else_is_one) {
    for (std::string const text :
         {"", "\n", "sfumato panel 1 generate 12", "sfumato panel 1 generate 12\n\n", "sfumato panel 1 generate -1\n",
          "sfumato panel 1 generate 2147483648\n", "sfumato panel 1 generate  12\n", "sfumato panel 1 generate 12 \n",
          "sfumato panel 1 generate\n", "sfumato panel 2 generate 12\n", "sfumato panel 1 delete 12\n",
          "Sfumato panel 1 show 12\n", "sfumato panel 1 show 0x12\n", "sfumato panel 1 show +12\n"})
        EXPECT_FALSE(read_panel_message(text)) << text;
    EXPECT_FALSE(read_panel_message(std::string("sfumato panel 1 show 12\0\n", 25)));
}

TEST_F(panel_socket, nobody_listens) { EXPECT_FALSE(tell_panel({panel_message::show, 3})); }

TEST_F(panel_socket, a_message_arrives) {
    auto const listener = listen();
    EXPECT_TRUE(tell_panel({panel_message::generate, 7}));
    ASSERT_EQ(wait_for(1), 1u);
    EXPECT_EQ(heard[0], (panel_message{panel_message::generate, 7}));
}

TEST_F(panel_socket, whatever_else_comes_is_hung_up_on_and_the_next_message_arrives) {
    auto const listener = listen();
    send("");
    send("sfumato panel 1 gener");
    send(std::string(100000, 'x'));
    send(std::string("\0\xff\n", 3));
    send("sfumato panel 1 generate 99999999999\n");
    EXPECT_TRUE(tell_panel({panel_message::show, 3}));
    ASSERT_EQ(wait_for(1), 1u);
    EXPECT_EQ(heard[0], (panel_message{panel_message::show, 3}));
}

TEST_F(panel_socket, one_that_was_killed_leaves_nothing_in_the_way) {
    std::filesystem::create_directories(path().parent_path());
    std::filesystem::permissions(path().parent_path(), std::filesystem::perms::owner_all);
    { file_descriptor const stale = socket_listen(path()); }
    EXPECT_TRUE(std::filesystem::exists(path()));
    EXPECT_FALSE(tell_panel({panel_message::show, 3}));
    auto const listener = listen();
    EXPECT_TRUE(tell_panel({panel_message::show, 3}));
    EXPECT_EQ(wait_for(1), 1u);
}

// Neither by itself, nor by one of another GIMP that was killed; what still listens stays.
TEST_F(panel_socket, nothing_is_left_behind) {
    { auto const listener = listen(); }
    std::filesystem::path const here = path().parent_path();
    EXPECT_TRUE(std::filesystem::is_empty(here));
    { file_descriptor const stale = socket_listen(here / "panel-999999991.sock"); }
    endpoint const other(here / "panel-999999992.sock");
    { auto const listener = listen(); }
    EXPECT_FALSE(std::filesystem::exists(here / "panel-999999991.sock"));
    EXPECT_FALSE(std::filesystem::exists(here / "panel-999999991.sock.lock"));
    EXPECT_TRUE(std::filesystem::exists(here / "panel-999999992.sock"));
}
