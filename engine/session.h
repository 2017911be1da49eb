// What a client asked for, while it is done: the working thread asks for pixels and gives results here, and the
// server's thread carries both over the wire.
#pragma once

#include "engine/protocol.h"
#include "request/job.h"
#include "request/model_summary.h"
#include "request/run.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sfumato {

class session final : public run_client {
  public:
    /// `id`: the client's own for what it asked. `wake` is called on the working thread whenever there is something to
    /// take, except a preview, which goes with the next progress. A client that does not send its pixels for so long as
    /// `patience` says ends its run.
    session(std::int64_t id, run_input, std::chrono::seconds patience, std::function<void()> wake);

    std::int64_t const id;
    run_input const input; // of a run or an estimate

    // ---- The working thread

    sfumato::job job();
    std::optional<picture> read_picture(std::string_view name, rect const&) override;
    std::optional<mask> read_mask(std::string_view name, rect const&) override;
    void will_read(std::string_view name, rect const&) override;
    void take(run_result) override; // waits until the one before has left the engine
    void planned(run_plan const&) override;
    void warn(sentence const&) override;
    void preview(picture const&) override;
    void found(model_summary const&); // waits while a hundred of them are on their way

    // ---- The server's thread

    void cancel();
    bool is_cancelled() const { return cancelled; }

    /// A "pixels" message has begun. False: it answers nothing that is asked now, and is not worth reading. Throws
    /// error when it is not what was asked for; then the run has failed.
    bool admits(message const& begun);
    /// The whole message has come. The run fails where the pixels are no numbers.
    void answer(message&&);

    struct item {
        outgoing what;
        std::shared_ptr<void const> keep; // owns what it points to
    };
    /// What is to be sent, in order; each once.
    std::vector<item> take_items();
    /// The latest progress since the last call.
    std::optional<item> take_progress();
    /// All that was taken is sent.
    void all_sent();

  private:
    struct want {
        std::uint64_t number = 0;
        std::string name;
        rect area;
        int channels = 4;
        std::optional<blob> pixels{}; // when they have come
    };

    want* find_want(std::string_view name, rect const&); // these three with the mutex locked
    want& ask(std::string_view name, rect const&);
    void add(outgoing, std::shared_ptr<void const> keep = {});
    void wait_for_room(std::unique_lock<std::mutex>&, std::size_t most);
    std::optional<blob> read(std::string_view name, rect const&, int channels);

    std::chrono::seconds const patience;
    std::function<void()> const wake;
    std::atomic<bool> cancelled = false;

    std::mutex mutex; // guards all below
    std::condition_variable changed;
    std::vector<want> wants;         // asked for, and not read yet
    std::uint64_t asked = 0;         // how many ever
    std::optional<sentence> refused; // why what the client sent is of no use
    std::vector<item> items;
    std::size_t on_their_way = 0; // results and models that were added, and are not sent
    std::optional<progress> latest;
    std::shared_ptr<picture const> latest_preview;
};

} // namespace sfumato
