package appliance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// trail is a part that writes down when it starts and stops.
func trail(log *[]string, name string) part {
	ready := make(chan struct{})
	return part{name: name, ready: ready, run: func(ctx context.Context) error {
		*log = append(*log, "+"+name)
		close(ready)
		<-ctx.Done()
		*log = append(*log, "-"+name)
		return nil
	}}
}

func TestPartsStopInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := runParts(ctx, []part{trail(&log, "store"), trail(&log, "loop"), trail(&log, "page")}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(log, " "); got != "+store +loop +page -page -loop -store" {
			t.Fatal(got)
		}
	})
}

func TestAFailingPartStopsTheBoxAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		broken := part{name: "meter", run: func(context.Context) error {
			time.Sleep(time.Second)
			return errors.New("no such model")
		}}
		err := runParts(t.Context(), []part{trail(&log, "store"), broken, trail(&log, "page")})
		if err == nil || err.Error() != "meter: no such model" {
			t.Fatalf("got %v", err)
		}
		if got := strings.Join(log, " "); got != "+store +page -page -store" {
			t.Fatal(got)
		}
	})
}

func TestAPartThatHangsIsNamedAfterTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		release := make(chan struct{})
		hangs := part{name: "cloud", run: func(context.Context) error { <-release; return nil }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := runParts(ctx, []part{trail(&log, "store"), hangs})
		if err == nil || !strings.Contains(err.Error(), "cloud: did not stop") {
			t.Fatalf("got %v", err)
		}
		if d := time.Since(start); d != time.Minute+stopWithin {
			t.Fatalf("took %v", d)
		}
		close(release)
		synctest.Wait()
	})
}
