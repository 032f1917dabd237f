package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"busbar/controller"
)

// ControlSocket is the file in the data folder over which commands on the same machine
// talk to the running box: HTTP over a Unix socket that only the box's own user and
// root may open.
const ControlSocket = "control.sock"

// ControlProblem is an error answer of the control socket.
type ControlProblem struct {
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
	// Refused tells that the present state does not allow it, not that it failed.
	Refused bool `json:"refused"`
}

// listenControl opens the control socket. It is made in a folder that nobody else may
// enter and moved when it is protected, over one that a crash left. Without it the box
// works as well, so that a failure is told and no more.
func (b *Box) listenControl() {
	l, err := privateSocket(b.opts.DataDir)
	if err != nil {
		b.log.Error("no control socket: commands on this machine can't reach the box", "err", err)
		return
	}
	b.listeners["control"] = l
	b.closers = append(b.closers, func() error {
		err := l.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		return errors.Join(err, os.Remove(filepath.Join(b.opts.DataDir, ControlSocket)))
	})
}

func privateSocket(dir string) (net.Listener, error) {
	hidden, err := os.MkdirTemp(dir, ".control-") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("cannot open the control socket: %w", err)
	}
	defer os.RemoveAll(hidden)
	path := filepath.Join(hidden, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot open the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(path, 0o600), os.Rename(path, filepath.Join(dir, ControlSocket))); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot protect the control socket: %w", err), l.Close())
	}
	return l, nil
}

// serveControl serves the control socket until ctx ends, and ends what runs then.
func (b *Box) serveControl(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /commission/{id}", b.controlCommission)
	stopping := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		mux.ServeHTTP(w, r.WithContext(own))
	})
	return serve(ctx, b.listeners["control"], stopping, func(context.Context) error { return nil })
}

func (b *Box) controlCommission(w http.ResponseWriter, r *http.Request) {
	id := controller.StationID(r.PathValue("id"))
	v, err := b.Commission(r.Context(), id)
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // a client that left gets no answer
	case errors.Is(err, ErrUnknownCharger):
		controlFail(w, http.StatusNotFound, ControlProblem{Error: fmt.Sprintf("there is no charger %q", id), Remedy: "Ids are case-sensitive; the page lists them.", Refused: true})
	case errors.Is(err, ErrNotConnected):
		controlFail(w, http.StatusConflict, ControlProblem{Error: fmt.Sprintf("charger %s is not connected", id), Remedy: "Check its power, its network and the address of the box in its settings.", Refused: true})
	case errors.Is(err, ErrNotBooted):
		controlFail(w, http.StatusConflict, ControlProblem{Error: fmt.Sprintf("charger %s is connected but has not sent its BootNotification", id), Remedy: "Wait a moment; restart the charger if it does not come.", Refused: true})
	case errors.Is(err, ErrProbed):
		controlFail(w, http.StatusConflict, ControlProblem{Error: fmt.Sprintf("charger %s is being probed already", id), Remedy: "Wait for the other probe to end.", Refused: true})
	default:
		controlFail(w, http.StatusBadGateway, ControlProblem{Error: err.Error(), Remedy: "Check the charger and try again."})
	}
}

func controlFail(w http.ResponseWriter, status int, p ControlProblem) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}
