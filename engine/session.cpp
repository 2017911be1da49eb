#include "engine/session.h"

#include "compute/error.h"
#include "engine/messages.h"
#include "request/json.h"

#include <algorithm>
#include <utility>

namespace sfumato {

session::session(std::int64_t id, run_input input, std::chrono::seconds patience, std::function<void()> wake)
    : id(id), input(std::move(input)), patience(patience), wake(std::move(wake)) {}

job session::job() {
    auto const report = [this](progress const& p) {
        {
            std::lock_guard const lock(mutex);
            latest = p;
        }
        wake();
    };
    return {.report = report, .cancelled = &cancelled};
}

// ---- Pixels

session::want* session::find_want(std::string_view name, rect const& area) {
    auto const found = std::ranges::find_if(wants, [&](want const& w) { return w.name == name && w.area == area; });
    return found == wants.end() ? nullptr : &*found;
}

session::want& session::ask(std::string_view name, rect const& area) {
    int const channels = std::ranges::find(input.pictures, name, &named_picture::name)->channels;
    want& w = wants.emplace_back(want{++asked, std::string(name), area, channels});
    add(encode_want(id, {w.number, w.name, w.area}));
    return w;
}

void session::will_read(std::string_view name, rect const& area) {
    {
        std::lock_guard const lock(mutex);
        if (cancelled || find_want(name, area)) return;
        ask(name, area);
    }
    wake();
}

std::optional<blob> session::read(std::string_view name, rect const& area, int channels) {
    named_picture const& from = find_picture(input, name, channels);
    if (intersect(area, {0, 0, from.width, from.height}) != area)
        fail("What is read of the picture \"{}\" lies outside of it; this is an error in Sfumato.", name);
    will_read(name, area);
    std::unique_lock lock(mutex);
    auto const is_there = [&] {
        want const* const w = find_want(name, area);
        return cancelled || refused || (w && w->pixels);
    };
    if (!changed.wait_for(lock, patience, is_there))
        fail("The pixels of the picture did not come within {} seconds.", patience.count());
    if (cancelled) return std::nullopt;
    if (refused) throw error(*refused);
    want* const w = find_want(name, area);
    blob pixels = *std::move(w->pixels);
    wants.erase(wants.begin() + (w - wants.data()));
    return pixels;
}

std::optional<picture> session::read_picture(std::string_view name, rect const& area) {
    auto b = read(name, area, 4);
    return b ? std::optional(picture_of(std::move(*b))) : std::nullopt;
}

std::optional<mask> session::read_mask(std::string_view name, rect const& area) {
    auto b = read(name, area, 1);
    return b ? std::optional(mask_of(std::move(*b))) : std::nullopt;
}

bool session::admits(message const& begun) {
    if (begun.head.value("id", nlohmann::json()) != id) return false; // of a run that has ended meanwhile
    try {
        std::uint64_t const number = number_of_want(begun.head);
        std::lock_guard const lock(mutex);
        auto const w = std::ranges::find(wants, number, &want::number);
        if (w == wants.end() || w->pixels) fail("The pixels {} are sent that nobody asked for.", number);
        check_shape(begun, w->area, w->channels);
    } catch (error const& e) {
        std::lock_guard const lock(mutex);
        refused = e.said;
        changed.notify_all();
        throw;
    }
    return true;
}

void session::answer(message&& m) {
    if (m.head.value("id", nlohmann::json()) != id) return; // of a run that has ended, and passed over
    std::optional<sentence> wrong;
    std::uint64_t number = 0;
    try {
        number = number_of_want(m.head);
        if (m.blobs.empty()) fail("A \"pixels\" message must carry a picture or a mask.");
        check_values(m.blobs.front());
    } catch (error const& e) {
        wrong = e.said;
    }
    std::lock_guard const lock(mutex);
    if (wrong) refused = wrong;
    auto const w = std::ranges::find(wants, number, &want::number);
    if (w != wants.end() && !wrong) w->pixels = std::move(m.blobs.front());
    changed.notify_all();
}

// ---- What is sent

void session::add(outgoing what, std::shared_ptr<void const> keep) {
    items.push_back({std::move(what), std::move(keep)});
}

void session::wait_for_room(std::unique_lock<std::mutex>& lock, std::size_t most) {
    changed.wait(lock, [&] { return cancelled || on_their_way < most; });
}

void session::take(run_result result) {
    auto const kept = std::make_shared<run_result const>(std::move(result));
    outgoing out = encode_result(id, *kept);
    {
        std::unique_lock lock(mutex);
        wait_for_room(lock, 1);
        if (cancelled) return;
        add(std::move(out), kept);
        ++on_their_way;
    }
    wake();
}

void session::found(model_summary const& m) {
    {
        std::unique_lock lock(mutex);
        wait_for_room(lock, 100);
        if (cancelled) return;
        add(encode_model(id, m));
        ++on_their_way;
    }
    wake();
}

void session::planned(run_plan const& p) {
    {
        std::lock_guard const lock(mutex);
        add(encode_plan(id, p));
    }
    wake();
}

void session::warn(sentence const& s) {
    {
        std::lock_guard const lock(mutex);
        add(encode_warning(id, s));
    }
    wake();
}

void session::preview(picture const& p) {
    std::lock_guard const lock(mutex);
    latest_preview = std::make_shared<picture const>(p);
}

// ---- The server's side

void session::cancel() {
    std::lock_guard const lock(mutex);
    cancelled = true;
    changed.notify_all();
}

std::vector<session::item> session::take_items() {
    std::lock_guard const lock(mutex);
    return std::exchange(items, {});
}

std::optional<session::item> session::take_progress() {
    std::lock_guard const lock(mutex);
    if (!latest) return {};
    auto const p = *std::exchange(latest, {});
    auto const preview = std::exchange(latest_preview, {});
    return item{encode_progress(id, p, preview.get()), preview};
}

void session::all_sent() {
    std::lock_guard const lock(mutex);
    if (!items.empty()) return;
    on_their_way = 0;
    changed.notify_all();
}

} // namespace sfumato
