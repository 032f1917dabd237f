package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"text/tabwriter"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Write it as JSON."`
}

// buildInfo is what version --json writes.
type buildInfo struct {
	Version  string   `json:"version"`
	Commit   string   `json:"commit"`
	Modified bool     `json:"modified"` // built from a tree with changes of its own
	Time     string   `json:"time"`     // of the commit
	Go       string   `json:"go"`
	Modules  []module `json:"modules"`
}

type module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
}

// Run prints what the linker noted.
func (c versionCmd) Run(con console) error {
	b := readBuild()
	if c.JSON {
		encoder := json.NewEncoder(con.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(b)
	}
	modified := ""
	if b.Modified {
		modified = " with changes"
	}
	fmt.Fprintf(con.Out, "busbar %s, commit %s%s, %s\n", b.Version, cmp.Or(b.Commit, "unknown"), modified, b.Go)
	table := tabwriter.NewWriter(con.Out, 0, 0, 2, ' ', 0)
	for _, m := range b.Modules {
		fmt.Fprintf(table, "  %s\t%s\n", m.Path, m.Version)
	}
	return table.Flush()
}

func readBuild() buildInfo {
	out := buildInfo{Version: "unknown", Modules: []module{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	out.Version, out.Go = cmp.Or(info.Main.Version, "(devel)"), info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			out.Commit = s.Value
		case "vcs.modified":
			out.Modified = s.Value == "true"
		case "vcs.time":
			out.Time = s.Value
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		out.Modules = append(out.Modules, module{m.Path, m.Version, m.Sum})
	}
	return out
}
