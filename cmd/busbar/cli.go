package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is all commands. Only what works stands here.
type cli struct {
	Help       helpFlag      `short:"h" help:"Show what a command does and its flags."`
	Demo       demoCmd       `cmd:"" help:"The box with simulated chargers, cars, grid meter and cloud over the real protocols, and a live page."`
	Serve      serveCmd      `cmd:"" help:"The controller of a site."`
	Commission commissionCmd `cmd:"" help:"Probe a charger of the running box: what it can, and what to do about what it can not."`
	Config     configCmd     `cmd:"" help:"Write, check and describe site.yaml."`
	Bench      benchCmd      `cmd:"" help:"Measure load management, and what a message costs."`
	Version    versionCmd    `cmd:"" help:"Show version, commit and modules of this program."`
}

const description = `The on-site box for EV charging: local CSMS, load management against the grid meter,
one charging station towards the cloud.

Exit codes: 0 done, 1 failed, 2 bad input, 3 refused by the present state.`

// console is where a command reads and writes.
type console struct {
	In       io.Reader
	Out, Err io.Writer
}

// run is the program without its process.
func run(ctx context.Context, args []string, con console) exitCode {
	parser, err := kong.New(&cli{}, kong.Name("busbar"), kong.Description(description), kong.NoDefaultHelp(),
		kong.Writers(con.Out, con.Err), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(con),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		panic(err) // the tags of the structs are wrong
	}
	parsed, err := parser.Parse(args)
	if err == nil {
		err = givenTwice(parsed)
	}
	if err == nil {
		err = parsed.Run()
	}
	return report(con.Err, err)
}

// helpFlag prints the help of the command before it, whatever else is missing there.
type helpFlag bool

// errHelped ends parsing after the help; it is no failure.
type errHelped struct{}

func (errHelped) Error() string { return "help was shown" }

// BeforeReset is called by kong before required values are looked for.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	return errHelped{}
}

// givenTwice refuses "--seed 1 --seed 2": one of them would be dropped silently.
func givenTwice(ctx *kong.Context) error {
	seen := map[*kong.Flag]bool{}
	for _, p := range ctx.Path {
		if p.Flag == nil || p.Flag.IsCumulative() || p.Resolved {
			continue
		}
		if seen[p.Flag] {
			return badInput(fmt.Sprintf("--%s is given twice", p.Flag.Name), "Keep one of them.")
		}
		seen[p.Flag] = true
	}
	return nil
}

// usage turns kong's complaint into one line that says what to do.
func usage(err *kong.ParseError) error {
	var command strings.Builder
	command.WriteString("busbar")
	if err.Context != nil {
		for _, p := range err.Context.Path {
			if p.Command != nil {
				command.WriteString(" " + p.Command.Name)
			}
		}
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return badInput(reason, "See: "+command.String()+" --help")
}
