// Command busbar is the whole box in one binary; flags only, the wiring lives in
// controller/appliance.
//
// Each command is a struct with a Run method in a file of its own and one line in
// type cli. Run gets what it needs bound by type: context.Context, ended by SIGINT or
// SIGTERM, and console. It returns an error; exit.go alone turns errors into exit
// codes. Nothing here owns state.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(int(run(ctx, os.Args[1:], console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})))
}
