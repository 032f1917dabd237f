package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"busbar/controller/config"

	"github.com/alecthomas/kong"
)

// TestUsageErrors: whatever is wrong with the words on the command line ends with exit
// code 2 and one line that says what to do.
func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     `busbar: expected one of "demo", "serve", "commission", "config", "bench", ... See: busbar --help`,
		"confg":                                `busbar: unexpected argument confg, did you mean "config"? See: busbar --help`,
		"--version":                            `busbar: unknown flag --version. See: busbar --help`,
		"-x":                                   `busbar: unknown flag -x, did you mean "-h"? See: busbar --help`,
		"version --jason":                      `busbar: unknown flag --jason, did you mean "--json"? See: busbar version --help`,
		"version --json=maybe":                 `busbar: --json: bool value must be true, 1, yes, false, 0 or no but got "maybe". See: busbar version --help`,
		"version --json --json":                `busbar: --json is given twice. Keep one of them.`,
		"version now":                          `busbar: unexpected argument now. See: busbar version --help`,
		"version -j":                           `busbar: unknown flag -j, did you mean "-h"? See: busbar version --help`,
		"config":                               `busbar: expected one of "example", "check", "schema". See: busbar config --help`,
		"config chek site.yaml":                `busbar: unexpected argument chek, did you mean "check"? See: busbar config --help`,
		"config example site.yaml":             `busbar: unexpected argument site.yaml. See: busbar config example --help`,
		"config example --out x":               `busbar: unknown flag --out. See: busbar config example --help`,
		"config schema --json":                 `busbar: unknown flag --json. See: busbar config schema --help`,
		"config check":                         `busbar: expected "<file>". See: busbar config check --help`,
		"config check a b":                     `busbar: unexpected argument b. See: busbar config check --help`,
		"config check --json":                  `busbar: expected "<file>". See: busbar config check --help`,
		"config check --json --json site.yaml": `busbar: --json is given twice. Keep one of them.`,
		"config check --jsn site.yaml":         `busbar: unknown flag --jsn, did you mean "--json"? See: busbar config check --help`,
		"config check --json=2 site.yaml":      `busbar: --json: bool value must be true, 1, yes, false, 0 or no but got "2". See: busbar config check --help`,
		"config check --json= site.yaml":       `busbar: --json: bool value must be true, 1, yes, false, 0 or no but got "". See: busbar config check --help`,
		"config check nothing.yaml":            `busbar: cannot read the configuration: open nothing.yaml: no such file or directory. Give the name of a site.yaml, or - for standard input.`,
		"config check .":                       `busbar: cannot read the configuration: read .: is a directory. Give the name of a site.yaml, or - for standard input.`,
		"config check -- --json":               `busbar: cannot read the configuration: open --json: no such file or directory. Give the name of a site.yaml, or - for standard input.`,
	} {
		code, stdout, stderr := call(t, "", strings.Fields(args)...)
		if code != exitBadInput || stdout != "" || stderr != want+"\n" {
			t.Errorf("busbar %s: exit code %d\n got %s want %s", args, code, stdout+stderr, want)
		}
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	for args, want := range map[string]string{
		"--help":              "Exit codes: 0 done, 1 failed, 2 bad input, 3 refused",
		"-h":                  "config check",
		"config --help":       "config schema",
		"config check --help": "- reads standard input",
		"version -h":          "--json",
	} {
		code, stdout, stderr := call(t, "", strings.Fields(args)...)
		if code != exitDone || stderr != "" || !strings.Contains(stdout, want) {
			t.Errorf("busbar %s: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}

// TestExitCodes holds the contract of the numbers.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errHelped{}, 0},
		{errors.New("disk full"), 1},
		{badInput("a", "B."), 2},
		{fmt.Errorf("cannot begin: %w", badInput("a", "B.")), 2},
		{config.Problems{{File: "site.yaml"}}, 2},
		{&kong.ParseError{}, 2},
		{refused("a", "B."), 3},
		{fmt.Errorf("cannot begin: %w", refused("a", "B.")), 3},
	} {
		if got := codeOf(c.err); int(got) != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

// TestEveryCommandIsDescribed walks the commands: each has a help text, and flags say
// what they do.
func TestEveryCommandIsDescribed(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.NoDefaultHelp())
	if err != nil {
		t.Fatal(err)
	}
	sentence := regexp.MustCompile(`^[A-Z].*\.$`)
	for _, leaf := range parser.Model.Leaves(false) {
		if !sentence.MatchString(leaf.Help) {
			t.Errorf("busbar %s: help is no sentence: %q", leaf.Path(), leaf.Help)
		}
		for _, group := range leaf.AllFlags(false) {
			for _, flag := range group {
				if !sentence.MatchString(flag.Help) {
					t.Errorf("busbar %s --%s: help is no sentence: %q", leaf.Path(), flag.Name, flag.Help)
				}
			}
		}
	}
}
