#include "cli/progress_line.h"

#include "request/json.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;

namespace {

void print_json(json const& object) {
    std::printf("%s\n", json_line(object).c_str());
    std::fflush(stdout); // a program on the other end of a pipe waits for it
}

// "███████▌             38 %  fill 256 × 192  4 s left"
std::string bar(progress const& p) {
    constexpr int cells = 20;
    double const fraction = std::clamp(p.fraction, 0.0, 1.0);
    int const halves = int(fraction * cells * 2);
    std::string text;
    for (int i = 0; i < cells; ++i) text += 2 * i + 1 < halves ? "█" : 2 * i < halves ? "▌" : " ";
    text += std::format(" {:3.0f} %  {}", fraction * 100, p.text());
    if (p.seconds_left >= 0) text += std::format("  {:.0f} s left", p.seconds_left);
    return text;
}

} // namespace

progress_line::progress_line(bool as_json) : as_json(as_json), on_terminal(!as_json && ::isatty(STDERR_FILENO)) {}

progress_line::~progress_line() { clear(); }

void progress_line::show(progress const& p) {
    std::lock_guard lock(mutex);
    if (as_json)
        print_json(
            {{"type", "progress"}, {"stage", p.text()}, {"fraction", p.fraction}, {"seconds_left", p.seconds_left}});
    if (!on_terminal) return;
    std::fprintf(stderr, "\r%s\x1b[K", bar(p).c_str());
    shown = true;
}

void progress_line::warn(std::string const& text) {
    clear();
    if (as_json)
        print_json({{"type", "warning"}, {"message", text}});
    else
        std::fprintf(stderr, "sfumato: %s\n", text.c_str());
}

void progress_line::note(std::string const& text, json const& object) {
    clear();
    if (as_json)
        print_json(object);
    else
        std::fprintf(stderr, "%s\n", text.c_str());
}

void progress_line::plan(run_plan const& p) {
    note(p.text.text(), {{"type", "plan"}, {"text", p.text.text()}, {"needed", p.needed}, {"available", p.available}});
}

void progress_line::finish(std::string const& text, json const& object) {
    clear();
    if (as_json)
        print_json(object);
    else
        std::printf("%s\n", text.c_str());
}

void progress_line::clear() {
    std::lock_guard lock(mutex);
    if (shown) std::fprintf(stderr, "\r\x1b[K");
    shown = false;
}

} // namespace sfumato
