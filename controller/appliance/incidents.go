package appliance

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"busbar/controller"
)

// incidentsKept is how many recordings stay on the disk; the oldest go first.
const incidentsKept = 20

// incidents writes the balancer's recordings around alarms to files, one after the
// other, beside the control loop. A failure costs the recording, nothing else.
type incidents struct {
	dir string
	log *slog.Logger
	one sync.Mutex
	all sync.WaitGroup
}

// Do implements controller.Adapter.
func (i *incidents) Do(e controller.Effect) {
	k, ok := e.(controller.KeepIncident)
	if !ok {
		return
	}
	i.all.Go(func() {
		i.one.Lock()
		defer i.one.Unlock()
		path, err := i.write(k)
		if err != nil {
			i.log.Warn("cannot keep the recording of an incident", "cause", k.Cause, "err", err)
			return
		}
		i.log.Info("incident recorded", "cause", k.Cause, "file", path)
	})
}

// wait ends once nothing is being written any more.
func (i *incidents) wait() error {
	i.all.Wait()
	return nil
}

func (i *incidents) write(k controller.KeepIncident) (path string, err error) {
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(i.dir, fmt.Sprintf("%s-%s.jsonl", k.At.UTC().Format("20060102T150405Z"), k.Cause))
	part := filepath.Join(i.dir, ".part") // one at a time; what a crash leaves is written over
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	defer os.Remove(part) // of no effect once it has its name
	w := bufio.NewWriter(f)
	if err := k.Recording.Write(w); err != nil {
		f.Close()
		return "", err
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := os.Rename(part, path); err != nil {
		return "", err
	}
	return path, i.forget()
}

// forget removes the oldest recordings beyond those kept; their names sort by time.
func (i *incidents) forget() error {
	files, err := filepath.Glob(filepath.Join(i.dir, "*.jsonl"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, f := range files[:max(0, len(files)-incidentsKept)] {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return nil
}
