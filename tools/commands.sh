# Sourced by ./run: one function for each command.

command_shell() {
    choose_environment
    build
    [ $# -gt 0 ] || set -- bash
    inside "$@"
}

# Where published weights are for the tests that need them (SFUMATO_REAL_WEIGHTS): in a folder that it already names, else
# fetched into the cache. Those tests skip where there are none.
find_real_weights() {
    local option=--check python=(python3) # the host's knows the host's proxy and certificates
    [ -n "${SFUMATO_REAL_WEIGHTS:-}" ] || option=
    export SFUMATO_REAL_WEIGHTS=${SFUMATO_REAL_WEIGHTS:-$cache/real-weights}
    [ -n "$option" ] || mkdir -p "$SFUMATO_REAL_WEIGHTS"
    visible+=("$SFUMATO_REAL_WEIGHTS")
    choose_environment
    command -v python3 >/dev/null || python=("${enter[@]}" python3)
    "${python[@]}" "$checkout/tools/real_weights.py" "$SFUMATO_REAL_WEIGHTS" $option >&2 || unset SFUMATO_REAL_WEIGHTS
}

command_test() {
    targets=(all meson-test-prereq)
    case " $* " in *' --slow '* | *' slow '*) find_real_weights ;; *) choose_environment ;; esac
    build
    inside python3 "$checkout/tools/test.py" "$checkout/build" "$@"
}

command_drivers() {
    targets=(cli/sfumato tests/drivers/absent_gpu/libabsent_gpu.so)
    choose_environment
    build
    inside python3 "$checkout/tests/drivers/drivers_test.py" "$checkout/build" "$@"
}

command_demo() {
    local out=$checkout/demo-out
    while [ $# -gt 0 ]; do
        case $1 in
        --out) out=${2:?--out needs a folder}; shift ;;
        *) die "demo: no option '$1'" ;;
        esac
        shift
    done
    mkdir -p "$out"
    out=$(cd "$out" && pwd -P)
    visible+=("$out")
    choose_environment
    build
    say "filling a selection, enlarging a photograph and drawing from words, in GIMP"
    OUT=$out inside "$checkout/tools/in-gimp" "$checkout/tools/demo.py"
}

command_gui() {
    local screenshot=
    case ${1:-} in
    --screenshot)
        screenshot=${2:?--screenshot needs a file}
        mkdir -p "$(dirname "$screenshot")"
        screenshot=$(cd "$(dirname "$screenshot")" && pwd -P)/$(basename "$screenshot")
        visible+=("$(dirname "$screenshot")")
        ;;
    ?*) die "gui: no option '$1'" ;;
    esac
    [ -n "${DISPLAY:-}$screenshot" ] || die "gui: there is no display here; ./run gui --screenshot FILE makes a picture of the window"
    choose_environment
    build
    SFUMATO_PROFILE=full inside "$checkout/tools/gui" "$screenshot"
}

command_bench() {
    case ${1:-fill} in
    fill) shift || true; bench_fill "$@" ;;
    ops) shift; bench_ops "$@" ;;
    pipelines) bench_pipelines ;;
    isa) shift; bench_isa "$@" ;;
    seam) bench_seam ;;
    *) die "bench: no '$1'; there is: fill [--fresh]; ops [--peer ggml] [OPTION…] (ops --help lists them); pipelines; seam; isa [CHIP…]" ;;
    esac
}

# Peers run in a root of their own and keep their results (same files, same commands), unless --fresh.
bench_fill() {
    local folder=$cache/bench-fill fresh=${1:-} bench=$checkout/tests/bench
    case $fresh in '' | --fresh) ;; *) die "bench fill: no option '$fresh'" ;; esac
    mkdir -p "$folder"
    exec {bench_lock}>"$folder/lock"
    flock -n "$bench_lock" || die "another ./run bench is working in $folder"
    visible+=("$folder")
    choose_environment
    build build-release --buildtype=release -Dtests=false
    "${enter[@]}" python3 "$bench/fill.py" cases "$folder"
    (
        use_root peers "it holds the programs to compare with"
        "${enter[@]}" python3 "$bench/fill_peers.py" "$folder" $fresh
    )
    SFUMATO_BUILD=$checkout/build-release inside python3 "$bench/fill.py" compare "$folder"
}

# Times the operations of networks. Beside ggml, both run in the peers' root: on the same device, with the same driver.
bench_ops() {
    local folder=$cache/bench-ops options=() peer= program=$checkout/build/tests/bench/ops/bench_ops
    while [ $# -gt 0 ]; do
        case $1 in
        --peer) peer=${2:?--peer needs a name: ggml}; shift ;;
        *) options+=("$1") ;;
        esac
        shift
    done
    case $peer in '' | ggml) ;; *) die "bench ops: no peer '$peer'; there is: ggml" ;; esac
    targets=(tests/bench/ops/bench_ops)
    mkdir -p "$folder"
    visible+=("$folder")
    choose_environment
    build
    if [ -z "$peer" ]; then
        inside "$program" "${options[@]}"
        return
    fi
    exec {bench_lock}>"$folder/lock"
    flock -n "$bench_lock" || die "another ./run bench is working in $folder"
    "${enter[@]}" sh -c 'cp -L $(ldd "$1" | grep -o "/[^ ]*libbenchmark[^ ]*") "$2"' copy "$program" "$folder"
    use_root peers "it holds ggml"
    "${enter[@]}" g++ -std=c++20 -O2 "$checkout/tests/bench/ops/peer_ggml.cpp" -o "$folder/peer_ggml" -lggml -lggml-base
    "${enter[@]}" env LD_LIBRARY_PATH="$folder" XDG_CACHE_HOME="$folder/cache" \
        "$program" "${options[@]}" --peer "$folder/peer_ggml" --peer-folder "$folder"
}

# How long the driver takes to make every pipeline that the kernels' tests use, without a shader cache.
bench_pipelines() {
    targets=(tests/kernels/kernel_tests)
    choose_environment
    build
    "${enter[@]}" env SFUMATO_COMPILE_TIMES=1 XDG_CACHE_HOME=/nonexistent MESA_SHADER_CACHE_DISABLE=true __GL_SHADER_DISK_CACHE=0 \
        "$checkout/build/tests/kernels/kernel_tests" --gtest_brief=1
}

# What the vendors' compilers make of the matrix kernels: no GPU is needed.
bench_isa() {
    local folder=$cache/bench-isa
    targets=(tests/bench/isa/isa_pipelines tests/drivers/absent_gpu/libabsent_gpu.so)
    mkdir -p "$folder"
    visible+=("$folder")
    choose_environment
    build
    inside python3 "$checkout/tests/bench/isa/isa.py" "$checkout/build/tests/bench/isa/isa_pipelines" "$folder" "$@"
}

# How well what a model makes is fitted in, beside how others composite.
bench_seam() {
    local folder=$cache/bench-seam
    targets=(tests/bench/seam/fit_files)
    mkdir -p "$folder"
    visible+=("$folder")
    choose_environment
    build
    inside python3 "$checkout/tests/bench/seam.py" "$checkout/build/tests/bench/seam/fit_files" "$folder"
}

# The engine, its tests and its bench with the libraries that they need, for a machine that has only a GPU driver.
command_bundle() {
    local folder=${1:?bundle needs a folder}
    [ $# = 1 ] || die "bundle: one folder"
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd -P)
    visible+=("$folder")
    targets=(cli/sfumato tests/bench/ops/bench_ops tests/compute/compute_tests tests/kernels/kernel_tests)
    choose_environment
    build
    "${enter[@]}" "$checkout/tools/bundle" "$checkout/build" "$folder"
    say "in $folder ($(du -sh "$folder" | cut -f1)): run-tests, run-bench and sfumato run on any x86-64 Linux with a Vulkan driver"
}

# One folder with everything, in every GIMP 3 profile that this user has.
command_install() {
    local profiles=() profile
    if [ -n "${GIMP3_DIRECTORY:-}" ]; then
        profiles=("$GIMP3_DIRECTORY")
    else
        for profile in "${XDG_CONFIG_HOME:-$HOME/.config}/GIMP"/3.* "$HOME"/.var/app/org.gimp.GIMP/config/GIMP/3.*; do
            [ ! -d "$profile" ] || profiles+=("$profile")
        done
        [ ${#profiles[@]} -gt 0 ] || profiles=("${XDG_CONFIG_HOME:-$HOME/.config}/GIMP/3.0")
    fi
    choose_environment
    build build-release --buildtype=release -Dtests=false
    for profile in "${profiles[@]}"; do
        local plug_ins=$profile/plug-ins
        mkdir -p "$plug_ins"
        rm -rf "$plug_ins/.gimp-sfumato.new"
        cp -rL "$checkout/build-release/plug-ins/gimp-sfumato" "$plug_ins/.gimp-sfumato.new"
        rm -rf "$plug_ins/gimp-sfumato"
        mv "$plug_ins/.gimp-sfumato.new" "$plug_ins/gimp-sfumato"
        say "installed in $plug_ins/gimp-sfumato; restart GIMP, then: Filters > Sfumato"
        say "to remove it: rm -r '$plug_ins/gimp-sfumato'"
        case $profile in */.var/app/*) say "this GIMP is a Flatpak: its libraries must be as young as those of the build" ;; esac
    done
    [ "$environment" = host ] || say "built in Debian 13: it needs GIMP 3.0 or newer, glibc 2.41 or newer and a Vulkan driver;" \
        "this host has no such GIMP that ./run could find"
}
