package config

import "strings"

// Section is a group of settings under a title.
type Section struct {
	Title    string
	Settings []Setting
}

// Setting describes a setting to programs that show the settings to people.
type Setting struct {
	Name string
	// Arg is what its value is called, empty for a switch.
	Arg string
	// Help is a line without a full stop; limits and default are at its end.
	Help string
	// Choices are values that it takes; if Files or Dirs is set, it takes names of
	// files or folders as well.
	Choices     []string
	Files, Dirs bool
}

// Sections returns all settings, in the order of the help text.
func Sections() []Section {
	list := make([]Section, len(sections))
	for i := range sections {
		list[i].Title = sections[i].title
		for j := range sections[i].settings {
			list[i].Settings = append(list[i].Settings, sections[i].settings[j].describe())
		}
	}
	return list
}

func (s *setting) describe() Setting {
	d := Setting{Name: s.name, Arg: s.arg, Help: s.help + s.facts()}
	switch s.kind {
	case kindInt:
		d.Arg = "N"
	case kindAmount:
		d.Arg = "COINS"
	}
	for word := range strings.SplitSeq(s.arg, "|") {
		switch {
		case word == "FILE":
			d.Files = true
		case word == "DIR":
			d.Dirs = true
		case word != "" && word == strings.ToLower(word):
			d.Choices = append(d.Choices, word)
		}
	}
	return d
}
