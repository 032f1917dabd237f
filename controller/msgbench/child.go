package msgbench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a child has used.
type usage struct {
	CPU        time.Duration `json:"cpu_ns"` // user and system
	Allocs     uint64        `json:"allocs"` // pieces of memory since the start
	RSS        int64         `json:"rss"`    // bytes
	PeakRSS    int64         `json:"peak_rss"`
	Heap       int64         `json:"heap"` // bytes in use after a collection of garbage
	Goroutines int           `json:"goroutines"`
	ReactionMs *float64      `json:"reaction_ms"` // of the box, 99 of 100; nil: none
	Reactions  []reaction    `json:"reactions"`   // by reading, oldest first
	Pending    int           `json:"pending"`     // rows in the outbox
	Err        string        `json:"err,omitempty"`
}

// reaction is the box's answer to one reading of its meter.
type reaction struct {
	Took   time.Duration `json:"took_ns"` // from the reading to the last frame that lowers
	Frames int           `json:"frames"`  // that lower
}

// What a child is asked, a line each.
const (
	askUsage   = "usage"   // time and resident memory
	askCollect = "collect" // the same, and what is live after a collection of garbage
	askStatus  = "status"  // what the box says of itself
	askProfile = "profile" // FILE: begins to sample the processor
	askStop    = "stop"    // ends it
)

// hello is a child's first line.
type hello struct {
	Addr string `json:"addr"`
}

// obey answers the parent's questions until the input or ctx ends.
func obey(ctx context.Context, in io.Reader, out io.Writer, addr string, fill func(*usage)) error {
	enc := json.NewEncoder(out)
	if err := enc.Encode(hello{addr}); err != nil {
		return err
	}
	lines := make(chan string)
	go func() { // ends with the parent's side of the pipe, at the latest with the process
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	p := &profile{}
	defer p.stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			u, err := obeyLine(line, p, fill)
			if err != nil {
				u.Err = err.Error()
			}
			if err := enc.Encode(u); err != nil {
				return err
			}
		}
	}
}

// obeyLine does as little as it can: what it costs is counted, too.
func obeyLine(line string, p *profile, fill func(*usage)) (usage, error) {
	word, file, _ := strings.Cut(line, " ")
	switch word {
	case askUsage:
		return used()
	case askCollect:
		return collected()
	case askStatus:
		u, err := used()
		fill(&u)
		return u, err
	case askProfile:
		return usage{}, p.start(file)
	case askStop:
		p.stop()
	default:
		return usage{}, fmt.Errorf("cannot obey %q", line)
	}
	return usage{}, nil
}

// collected is used, with the memory that is live.
func collected() (usage, error) {
	u, err := used()
	runtime.GC()
	runtime.GC() // what the first one only finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Heap, u.Goroutines = int64(m.HeapAlloc), runtime.NumGoroutine()
	return u, err
}

// used reads what this process has used.
func used() (usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}, fmt.Errorf("cannot read the time used: %w", err)
	}
	u := usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Allocs: allocated()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return u, fmt.Errorf("cannot read the memory used: %w", err)
	}
	u.RSS, u.PeakRSS = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	return u, nil
}

// allocated counts the pieces of memory that were asked for, without a pause.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// kilobytes finds a line of /proc/self/status, in bytes.
func kilobytes(status []byte, name string) int64 {
	_, after, ok := bytes.Cut(status, []byte(name))
	if !ok {
		return 0
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(string(line), "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// profile samples the processor into a file.
type profile struct{ file *os.File }

func (p *profile) start(name string) error {
	p.stop()
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("cannot write the profile: %w", err)
	}
	p.file = f
	return pprof.StartCPUProfile(f)
}

func (p *profile) stop() {
	if p.file == nil {
		return
	}
	pprof.StopCPUProfile()
	_ = p.file.Close()
	p.file = nil
}
