#include "cli/commands.h"
#include "cli/help.h"
#include "engine/jobs.h"
#include "engine/serve.h"

namespace sfumato {

namespace {

int serve_engine(options const& given) {
    if (!given.files.empty()) throw usage_error("serve takes no file");
    serve_options const wanted{
        .socket = given.value("--socket"),
        .idle_exit = int(given.number("--idle-exit", 0, 1'000'000, serve_options().idle_exit)),
        .background = given.has("--background"),
        .build = given.value("--build"),
        .patience = int(given.number("--patience", 1, 1'000'000, serve_options().patience)),
    };
    return serve(wanted, open_jobs(given.value("--device")));
}

std::string const help = help_text(
    {.example = "sfumato serve --idle-exit 0",
     .usage = "sfumato serve [--socket PATH] [--idle-exit SECONDS] [--device NAME] [--background]",
     .about =
         "Runs what the GIMP plug-in asks for and keeps the GPU ready in between. The plug-in starts it by itself; "
         "start it by hand to watch what it does. Ends when it is idle, and on SIGTERM or Ctrl-C.",
     .options = {
         {"--socket PATH", "where to listen (default: sfumato/engine.sock in $XDG_RUNTIME_DIR, else in "
                           "/tmp/sfumato-UID/)"},
         {"--idle-exit SECONDS", "end after so long without work (default 300; 0 = never)"},
         device_help,
         {"--patience SECONDS", "how long a program may take to send pixels that its run asks for (default 300)"},
         {"--background", "return once the socket listens; messages go to engine.log beside it"},
         {"--build ID", "what to answer when the plug-in asks which build this is"}}});

} // namespace

command const serve_command{
    .name = "serve",
    .summary = "the engine: wait for the plug-in's requests on a local socket",
    .help = help,
    .run = serve_engine,
    .with_value = {"--socket", "--idle-exit", "--device", "--build", "--patience"},
    .flags = {"--background"},
};

} // namespace sfumato
