#compdef keelson
# zsh completion for keelson; see "keelson help completion".

_keelson() {
    local line text help ask=
    local -a texts shown open_texts open_shown
    for line in "${(@f)$(${~words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        text=${line%%$'\t'*} help=${line#*$'\t'}
        case $text in
        '') ;;
        :*) ask=$text ;;
        *=) open_texts+=("$text") open_shown+=("$text${help:+  -- $help}") ;;
        *) texts+=("$text") shown+=("$text${help:+  -- $help}") ;;
        esac
    done
    (( $#open_texts )) && compadd -Q -l -S '' -d open_shown -a open_texts
    (( $#texts )) && compadd -Q -l -d shown -a texts
    case $ask in
    :file) compset -P '*='; _files ;;
    :dir) compset -P '*='; _files -/ ;;
    esac
}

# Read by compinit from a folder of fpath, or by source.
if [[ $funcstack[1] == _keelson ]]; then
    _keelson "$@"
else
    compdef _keelson keelson
fi
