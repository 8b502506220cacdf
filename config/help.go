package config

import (
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/wire"
)

// Help returns the settings as text for people: flags, what they take, what
// they are for, their limits and defaults.
func Help() string {
	var b strings.Builder
	for _, section := range Sections() {
		fmt.Fprintf(&b, "%s:\n", section.Title)
		for _, s := range section.Settings {
			fmt.Fprintf(&b, "  --%s\n", strings.TrimSuffix(s.Name+" "+s.Arg, " "))
			for _, line := range wrap(s.Help, 72) {
				b.WriteString("        " + line + "\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("A switch is on with --name, off with --name=0. Each setting can also be an environment\n" +
		"variable (KEELSON_DBCACHE) or a line of the settings file (dbcache = 300); a flag wins over a\n" +
		"variable, a variable over the file.\n")
	return b.String()
}

// facts returns limits, unit and default, in parentheses.
func (s *setting) facts() string {
	var facts []string
	switch s.kind {
	case kindInt:
		if s.unit != "" {
			facts = append(facts, s.unit)
		}
		facts = append(facts, fmt.Sprintf("default %d", s.number))
	case kindAmount:
		facts = append(facts, "coins per 1000 virtual bytes", fmt.Sprintf("default %v", wire.Amount(s.number)))
	case kindBool:
		if s.number != 0 {
			facts = append(facts, "on by default")
		}
	default:
		if s.text != "" {
			facts = append(facts, "default "+s.text)
		}
	}
	if len(facts) == 0 {
		return ""
	}
	return " (" + strings.Join(facts, "; ") + ")"
}

// wrap breaks text into lines of at most width letters.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
