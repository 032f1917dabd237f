package msgbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"busbar/ocpp/ocppload"
)

// The children's names.
const (
	Box  = "box"
	Echo = "echo"
)

// proc is a child of this process with the fleet that loads it.
type proc struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	addr  string
	fleet *ocppload.Fleet
}

// endWithin is how long a child may take to stop.
const endWithin = 8 * time.Second

// spawn starts a child and waits until it listens.
func spawn(name string, cmd *exec.Cmd) (*proc, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	cmd.WaitDelay = endWithin
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	p := &proc{name: name, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	var h hello
	if err := p.read(&h); err != nil {
		return nil, errors.Join(err, p.end())
	}
	p.addr = h.Addr
	return p, nil
}

func (p *proc) read(v any) error {
	if !p.out.Scan() {
		return fmt.Errorf("the %s's process has ended", p.name)
	}
	if err := json.Unmarshal(p.out.Bytes(), v); err != nil {
		return fmt.Errorf("cannot read what the %s says: %w", p.name, err)
	}
	return nil
}

// ask puts a question to the child.
func (p *proc) ask(question string) (usage, error) {
	if _, err := io.WriteString(p.in, question+"\n"); err != nil {
		return usage{}, fmt.Errorf("cannot ask the %s: %w", p.name, err)
	}
	var u usage
	if err := p.read(&u); err != nil {
		return usage{}, err
	}
	if u.Err != "" {
		return u, fmt.Errorf("the %s: %s", p.name, u.Err)
	}
	return u, nil
}

// connect brings the chargers in.
func (p *proc) connect(ctx context.Context, chargers int, onLimit func(lowered bool, at time.Time)) error {
	fleet, err := ocppload.Dial(ctx, p.addr, chargers, chargerName, onLimit)
	if err != nil {
		return err
	}
	p.fleet = fleet
	if err := fleet.Boot(ctx); err != nil {
		return fmt.Errorf("cannot register the chargers at the %s: %w", p.name, err)
	}
	return nil
}

// end lets the child stop and waits for it.
func (p *proc) end() error {
	if p.fleet != nil {
		p.fleet.Close()
	}
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s's process failed: %w", p.name, err)
	}
	return nil
}
