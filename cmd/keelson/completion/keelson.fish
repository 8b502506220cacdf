# fish completion for keelson; see "keelson help completion".

function __keelson_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    # Of --name=value, fish too is told of the whole word.
    set -l kept (string match -r '^-[^=]*=' -- $cur)
    set -l part (string replace -r '^-[^=]*=' '' -- $cur)
    for line in ($words[1] __complete $words[2..-1] "$cur" 2>/dev/null)
        switch $line
            case :file
                for name in (__fish_complete_path $part)
                    echo "$kept$name"
                end
            case :dir
                for name in (__fish_complete_directories $part '')
                    echo "$kept$name"
                end
            case '*'
                echo $line
        end
    end
end

complete -c keelson -f -a '(__keelson_complete)'
