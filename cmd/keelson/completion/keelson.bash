# bash completion for keelson; see "keelson help completion".

_keelson() {
    local line=${COMP_LINE:0:COMP_POINT} cur text rest
    local -a words
    # By blanks alone: bash itself takes --name=value apart.
    read -r -a words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    cur=${words[${#words[@]} - 1]}
    # What bash thinks has been typed already, and keeps.
    local kept=
    [[ $COMP_WORDBREAKS == *=* && $cur == *=* ]] && kept=${cur%"${cur##*=}"}

    COMPREPLY=()
    while IFS=$'\t' read -r text rest; do
        case $text in
        :file)
            compopt -o filenames
            while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -f -- "${cur#*=}")
            ;;
        :dir)
            compopt -o filenames
            while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -d -- "${cur#*=}")
            ;;
        *)
            COMPREPLY+=("${text#"$kept"}")
            [[ $text == *= ]] && compopt -o nospace
            ;;
        esac
    done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
}

complete -F _keelson keelson
