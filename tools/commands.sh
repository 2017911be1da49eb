# Sourced by ./run: one function for each command.

command_shell() {
    choose_environment
    build
    [ $# -gt 0 ] || set -- bash
    inside "$@"
}

command_test() {
    targets=(all meson-test-prereq)
    choose_environment
    build
    inside python3 "$checkout/tools/test.py" "$checkout/build" "$@"
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
    say "filling a selection in a photograph, in GIMP"
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
    *) die "bench: no '$1'; there is: fill [--fresh]" ;;
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
