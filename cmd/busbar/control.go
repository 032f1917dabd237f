package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"syscall"

	"busbar/controller/appliance"
)

// maxControl bounds an answer of the box.
const maxControl = 4 << 20

// askBox posts to the control socket of the box that serves a data folder, and decodes
// its answer. Where no box runs, or it says that its state does not allow it, the error
// ends the program with exit code 3.
func askBox(ctx context.Context, dataDir, path string, into any) error {
	socket := filepath.Join(dataDir, appliance.ControlSocket)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://box"+path, nil)
	if err != nil {
		return fmt.Errorf("cannot ask the box: %w", err)
	}
	resp, err := client.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return refused(fmt.Sprintf("no box serves the folder %s", dataDir), "Start it first: busbar serve --data "+dataDir+" --config site.yaml.")
	case errors.Is(err, fs.ErrPermission):
		return refused(fmt.Sprintf("the control socket %s may not be opened", socket), "Run this as the user that the box runs as, or as root.")
	case err != nil:
		return fmt.Errorf("cannot ask the box: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxControl))
	if err != nil {
		return fmt.Errorf("cannot read the box's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return problemOf(body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("cannot read the box's answer: %w", err)
	}
	return nil
}

// problemOf is the error that the box answered with.
func problemOf(body []byte) error {
	var p appliance.ControlProblem
	if err := json.Unmarshal(body, &p); err != nil || p.Error == "" {
		return refused("the box does not know this command", "It is of another version than this program: restart it.")
	}
	if p.Refused {
		return refused(p.Error, p.Remedy)
	}
	return &codedError{exitFailed, p.Error, p.Remedy}
}
