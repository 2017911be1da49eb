# Sourced by ./run: one function for each command.

command_shell() {
    choose_environment
    build
    [ $# -gt 0 ] || set -- bash
    inside "$@"
}
