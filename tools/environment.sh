# Sourced by ./run: finds or makes the environment to build and run in. choose_environment sets
#   environment   host, or the name of the root directory
#   enter         the command that enters it (empty on a host that has everything)
# Needs: checkout.

say() { echo "sfumato: $*" >&2; }
die() { say "$@"; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/sfumato

# What this host lacks to build and run Sfumato right here, one a line.
missing_on_host() {
    local program module
    for program in pkg-config c++ ninja msgfmt python3; do
        command -v "$program" >/dev/null || echo "$program"
    done
    command -v meson >/dev/null && at_least 1.3 "$(meson --version)" || echo "meson 1.3 or newer"
    command -v glslang >/dev/null || command -v glslangValidator >/dev/null || echo "glslang (GLSL compiler)"
    for module in "gimp-3.0 >= 3.0" "gimpui-3.0 >= 3.0" "vulkan >= 1.3" gegl-0.4 exiv2 "gexiv2 >= 0.14" lcms2 libjpeg libpng "libtiff-4 >= 4.5" libwebp libwebpmux nlohmann_json gtest benchmark libutf8proc zlib; do
        pkg-config --exists "$module" 2>/dev/null || echo "$module (development files)"
    done
    [ -e /usr/include/vk_mem_alloc.h ] || echo "VulkanMemoryAllocator (development files)"
    command -v gimp-console-3 >/dev/null || echo "gimp-console 3"
    if ! command -v vulkaninfo >/dev/null; then
        echo "vulkaninfo (vulkan-tools)"
    else
        local summary
        summary=$(vulkaninfo --summary 2>/dev/null || true)
        grep -Eq 'apiVersion *= *([2-9]|1\.([3-9]|[1-9][0-9]))' <<<"$summary" || echo "a Vulkan 1.3 device (vulkaninfo shows none)"
        grep -q VK_LAYER_KHRONOS_validation <<<"$summary" || echo "Vulkan validation layers"
    fi
    python3 -c 'import numpy, PIL' 2>/dev/null || echo "numpy and PIL for python3"
    [ -d /usr/share/backgrounds/budgie ] || echo "budgie-backgrounds (photographs in /usr/share/backgrounds/budgie)"
}

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

choose_environment() {
    local missing
    missing=$(missing_on_host)
    if [ -z "$missing" ]; then
        environment=host enter=()
        say "using this host: GIMP $(pkg-config --modversion gimp-3.0) and Vulkan are here"
        return
    fi
    if ! grep -Eqs '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; then
        say "this host lacks:"
        sed 's/^/  /' <<<"$missing" >&2
        die "install these with the host's package manager and run again (a Debian or Ubuntu host makes its own environment)"
    fi
    use_root development "this host lacks $(head -n 1 <<<"$missing")$(others "$missing")"
}

others() { [ "$(wc -l <<<"$1")" = 1 ] || echo " and $(($(wc -l <<<"$1") - 1)) more"; }

# use_root RECIPE REASON: makes the root if it is not there yet, and sets environment and enter.
use_root() {
    local recipe=$1 reason=$2 list=packages.txt
    [ "$recipe" = development ] || list=packages-$recipe.txt
    environment=$recipe-$(cat "$checkout/tools/make-root" "$checkout/tools/$list" | sha256sum | head -c 12)
    local root=$cache/root-$environment
    mkdir -p "$cache"
    need_root_tools
    # Held shared as long as this ./run lives, so that no other one removes the root meanwhile.
    exec {root_lock}>"$root.lock"
    if [ ! -d "$root" ]; then
        flock -n "$root_lock" || { say "another ./run is making $root: waiting"; flock "$root_lock"; }
        if [ ! -d "$root" ]; then
            say "making a Debian root in $root, once, 2 minutes or more ($reason)"
            twice "$root.log" root_step "$checkout/tools/make-root" "$recipe" "$root" || {
                tail -n 15 "$root.log" >&2
                die "the root was not made; the lines above are the end of $root.log. It needs the network (Debian's mirror," \
                    "or SFUMATO_MIRROR=URL) and 4 GB in $cache"
            }
        fi
        remove_old_roots "$recipe" "$root"
    else
        say "using the Debian root $root ($reason)"
    fi
    flock -s "$root_lock"
    enter_with "$root"
}

need_root_tools() {
    local wanted=() program
    command -v mmdebstrap >/dev/null || wanted+=(mmdebstrap)
    command -v bwrap >/dev/null || wanted+=(bubblewrap)
    command -v newuidmap >/dev/null || [ "$(id -u)" = 0 ] || wanted+=(uidmap)
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || wanted+=(debian-archive-keyring)
    [ ${#wanted[@]} = 0 ] && return
    [ "$(id -u)" = 0 ] || die "please run once: sudo apt-get install ${wanted[*]}"
    say "installing ${wanted[*]} (they make and enter the Debian root)"
    export DEBIAN_FRONTEND=noninteractive
    twice "$cache/apt.log" apt_step apt_install "${wanted[@]}" || {
        tail -n 15 "$cache/apt.log" >&2
        die "apt-get could not install ${wanted[*]}: is the network there?"
    }
}

apt_install() {
    local apt=(apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 -o APT::Update::Error-Mode=any)
    "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"
}

# twice LOG STEP COMMAND…: a mirror may be changing, and a new machine updates itself at first.
twice() {
    watched "$@" && return
    say "that failed: once more in a minute (why: $1)"
    sleep 60
    watched "$@"
}

# watched LOG STEP COMMAND…: runs COMMAND with its output in LOG. Meanwhile what STEP prints, given LOG and the seconds so
# far, is said when it changes, four times a minute at most.
watched() {
    local log=$1 step=$2 status=0 follower
    shift 2
    : >"$log"
    follow "$log" "$step" &
    follower=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$follower" 2>/dev/null || true
    wait "$follower" 2>/dev/null || true
    return "$status"
}

# Sleeps are short: the last one outlives the command, and holds whatever reads our words that long.
follow() {
    local log=$1 step=$2 began=$SECONDS said='' now
    local last=$((began - 13))
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        [ $((SECONDS - last)) -ge 15 ] || continue
        now=$("$step" "$log" $((SECONDS - began)))
        [ "$now" != "$said" ] || continue
        say "  $now"
        said=$now last=$SECONDS
    done
}

minutes() { echo "$((($1 + 30) / 60)) min"; }

# How far mmdebstrap is, by its own words.
root_step() {
    local now
    case $(grep '^I: ' "$1" | tail -n 1) in
    *'installing remaining'*) now='4 of 5: installing the packages' ;;
    *essential-hook* | *sync-out*) now='3 of 5: downloading the packages' ;;
    *downloading* | *extracting* | *essential*) now='2 of 5: making a minimal Debian' ;;
    *customize* | *cleaning* | *success*) now='5 of 5: cleaning up' ;;
    *) now='1 of 5: reading the lists of packages' ;;
    esac
    echo "step $now ($(minutes "$2"))"
}

apt_step() { echo "apt-get works ($(minutes "$2"))"; }

# How far ninja is: it counts its steps.
build_step() {
    local done_of
    done_of=$(sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 \2/p' "$1" | tail -n 1)
    [ -n "$done_of" ] || return 0
    set -- ${done_of} "$2"
    [ "$1" -gt 0 ] || return 0 # it is making its own plan
    echo "step $1 of $2 ($(minutes "$3"), about $(minutes $(($3 * ($2 - $1) / $1))) left)"
}

# Roots of the same recipe made from an older list, when no ./run is inside.
remove_old_roots() {
    local recipe=$1 keep=$2 lock old
    for lock in "$cache/root-$recipe-"*.lock; do
        old=${lock%.lock}
        [ "$old" != "$keep" ] || continue
        (
            flock -n 9 || exit 0
            say "removing $old (its package list is no longer used)"
            chmod -R u+rwX "$old" "$old.partial" 2>/dev/null || true
            rm -rf --one-file-system "$old" "$old.partial" "$old.packages" "$old.log" "$lock"
        ) 9>"$lock"
    done
}

# The root is /, with the host's devices, home, /tmp and checkout in their usual places; the processes started inside end
# with the command. A GPU with a Mesa driver works (/dev/dri is in /dev). NVIDIA's own driver does not: its libraries would
# have to match the host's kernel module, so there Vulkan finds the software device, unless GIMP 3 is on the host.
enter_with() {
    local root=$1 folder
    enter=(bwrap --die-with-parent --unshare-pid --bind "$root" / --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys
        --ro-bind /etc/passwd /etc/passwd --ro-bind /etc/group /etc/group
        --tmpfs /run --perms 0700 --dir "/run/user/$(id -u)" --dir /run/sfumato-environment --bind /tmp /tmp)
    for folder in "$HOME" "$checkout" "$PWD" "${visible[@]}"; do
        [ "$folder" = / ] || [ ! -d "$folder" ] || enter+=(--bind "$folder" "$folder")
    done
    [ -z "${XAUTHORITY:-}" ] || enter+=(--ro-bind-try "$XAUTHORITY" "$XAUTHORITY")
    enter+=(--setenv PATH /usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin --setenv XDG_RUNTIME_DIR "/run/user/$(id -u)"
        --unsetenv TMPDIR --unsetenv LD_LIBRARY_PATH --unsetenv PYTHONPATH --unsetenv PYTHONHOME --chdir "$PWD")
    "${enter[@]}" true || die "bwrap cannot enter $root: user namespaces seem to be off here" \
        "(Ubuntu: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0), or run as root"
}
