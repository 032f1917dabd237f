package ocpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// connect21 is a pair that speaks 2.1; each end notes what it traces.
func connect21(t *testing.T, down, up Options) (client, server *Conn) {
	w := newWorld(t, permit(down))
	cfg := w.config("CP1", up)
	cfg.Protocols = []Protocol{V21}
	client, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close(1000, "test over")
		<-client.Done()
	})
	return client, <-w.opened
}

func TestSENDLeavesWhileACallIsOpenInBothDirections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []string
		release := make(chan struct{})
		handler := HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			mu.Lock()
			sent = append(sent, r.Action)
			mu.Unlock()
			if r.Action == "Hold" {
				<-release
			}
			return nil, errors.New("of a SEND nobody hears this")
		})
		client, server := connect21(t, Options{Handler: handler}, Options{Handler: handler})
		for _, c := range []*Conn{client, server} {
			var all sync.WaitGroup
			all.Go(func() { _, _ = c.Call(t.Context(), Call{Action: "Hold"}) })
			synctest.Wait()
			start := time.Now()
			for range 3 {
				if err := c.Send(t.Context(), Call{Action: "NotifyPeriodicEventStream", Payload: number(1)}); err != nil || time.Since(start) != 0 {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			}
			release <- struct{}{}
			all.Wait()
			synctest.Wait()
		}
		if got := strings.Join(sent, " "); strings.Count(got, "NotifyPeriodicEventStream") != 6 {
			t.Errorf("arrived: %s", got)
		}
	})
}

func TestNoticeIsValidatedSentAndRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		notice := Notice[limitRequest]{Name: "Limit", From: Both, Since: V21}
		var got limitRequest
		m := codesMux()
		HandleNotice(m, notice, func(_ context.Context, _ *Conn, msg limitRequest, _ *Request) error {
			got = msg
			return nil
		})
		client, _ := connect21(t, Options{Handler: m}, Options{})
		if err := notice.Send(t.Context(), client, limitRequest{ID: -1, Kind: "Good"}); !errors.Is(err, ErrNotSent) {
			t.Errorf("an invalid one: %v", err)
		}
		if err := notice.Send(t.Context(), client, limitRequest{ID: 7, Kind: "Good"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got.ID != 7 {
			t.Errorf("arrived: %+v", got)
		}
	})
}

func TestSENDNeedsVersion21(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		client, server := w.connect("CP1", Options{})
		for _, c := range []*Conn{client, server} {
			if err := c.Send(t.Context(), Call{Action: "X"}); !errors.Is(err, ErrNotSent) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestSENDAfterTheCloseIsNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		client, _ := connect21(t, Options{}, Options{})
		client.Close(1000, "")
		if err := client.Send(t.Context(), Call{Action: "X"}); !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCALLRESULTERRORIsToldInBothDirections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []TraceEntry
		opt := Options{Handler: echo, Trace: func(e TraceEntry) {
			mu.Lock()
			defer mu.Unlock()
			if e.Frame.Type == TypeCallResultError && !e.Out {
				told = append(told, e)
			}
		}}
		client, server := connect21(t, opt, opt)
		for _, c := range []*Conn{client, server} {
			if _, err := c.Call(t.Context(), Call{ID: "id-1", Action: "GetReport", Payload: number(1)}); err != nil {
				t.Fatal(err)
			}
			c.RejectAnswer("id-1", Errorf(CodeFormatViolation, "no status"))
			synctest.Wait()
		}
		if len(told) != 2 || told[0].Action != "GetReport" || told[1].Frame.Code != CodeFormatViolation || told[0].Err == "" {
			t.Errorf("%+v", told)
		}
	})
}

func TestUnusableAnswerFailsTheCallAtOnce(t *testing.T) {
	for version, complaint := range map[Protocol]bool{V16: false, V201: false, V21: true} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, permit(Options{}))
			ws := w.raw("CP1", version)
			server := <-w.opened
			start := time.Now()
			var all sync.WaitGroup
			all.Go(func() {
				f, _ := ParseFrame([]byte(receive(t, ws)))
				send(t, ws, `[3,"`+f.ID+`","Accepted"]`)
				if complaint {
					if got := receive(t, ws); !strings.HasPrefix(got, `[5,"`+f.ID+`","FormatViolation"`) {
						t.Errorf("the peer got %s", got)
					}
				}
			})
			if _, err := server.Call(t.Context(), Call{Action: "Reset"}); !errors.Is(err, ErrUnusable) || time.Since(start) != 0 {
				t.Errorf("%s: %v after %v", version, err, time.Since(start))
			}
			all.Wait()
		})
	}
}

func TestMessageIDsAreUniqueAndResendsKeepTheirs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var ids []string
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			ids = append(ids, r.ID)
			return nil, nil
		})}))
		client, _ := w.connect("CP1", Options{})
		for _, id := range []string{"", "", "tx-17-start", "tx-17-start"} {
			if _, err := client.Call(t.Context(), Call{ID: id, Action: "A"}); err != nil {
				t.Fatal(err)
			}
		}
		if len(ids) != 4 || len(ids[0]) != 36 || ids[0] == ids[1] || ids[2] != "tx-17-start" || ids[3] != ids[2] {
			t.Errorf("%q", ids)
		}
		for _, id := range []string{strings.Repeat("x", 37), "-1"} {
			if _, err := client.Call(t.Context(), Call{ID: id, Action: "A"}); !errors.Is(err, ErrNotSent) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

func TestLongMessageIDsOfAPeerAreTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		ws := w.raw("CP1", V16)
		id := strings.Repeat("x", 200)
		send(t, ws, `[2,"`+id+`","A",{"n":1}]`)
		if got := receive(t, ws); got != `[3,"`+id+`",{"n":1}]` {
			t.Error(got)
		}
	})
}

func TestCacheOfAnswersHolds64(t *testing.T) {
	bubble(t, func(t *testing.T) {
		handled := 0
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			handled++
			return r.Payload, nil
		})}))
		ws := w.raw("CP1", V16)
		call := func(i int) {
			send(t, ws, fmt.Sprintf(`[2,"%d","A",{"n":%d}]`, i, i))
			if got := receive(t, ws); got != fmt.Sprintf(`[3,"%d",{"n":%d}]`, i, i) {
				t.Fatal(got)
			}
		}
		for i := range cacheSize + 1 {
			call(i)
		}
		call(1) // the oldest that is still known
		if handled != cacheSize+1 {
			t.Errorf("%d handled: a known one was carried out again", handled)
		}
		call(0)
		if handled != cacheSize+2 {
			t.Errorf("%d handled: the cache is larger than %d", handled, cacheSize)
		}
	})
}

func TestPeerThatNeverPongsIsKnownAsSuch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		_, good := w.connect("CP1", Options{})
		w.raw("CP2", V16) // reads nothing, so it never answers a ping
		bad := <-w.opened
		time.Sleep(2 * time.Minute)
		if !good.Pongs() || bad.Pongs() || bad.Err() != nil {
			t.Errorf("pongs: %v, %v; %v", good.Pongs(), bad.Pongs(), bad.Err())
		}
	})
}

func TestBurstOfFaultsIsOneLineOfTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		opt := Options{PingInterval: -1, Logger: slog.New(slog.NewTextHandler(&log, nil)), Handler: HandlerFunc(func(context.Context, *Conn, *Request) (json.RawMessage, error) {
			return nil, errors.New("disk full")
		})}
		w := newWorld(t, permit(opt))
		ws := w.raw("CP1", V16)
		<-w.opened
		burst := func() {
			for i := range 100 {
				send(t, ws, `[2,"1"]`)
				send(t, ws, `[3,"late",{}]`)
				send(t, ws, fmt.Sprintf(`[2,"%d","A",{"n":1}]`, i))
				receive(t, ws)
				receive(t, ws)
			}
			synctest.Wait()
		}
		burst()
		if got := strings.Count(log.String(), "\n"); got != 3 {
			t.Errorf("%d lines, want one per kind of fault:\n%s", got, log.String())
		}
		time.Sleep(burstWindow)
		log.Reset()
		burst()
		if got := strings.Count(log.String(), "withheld=99"); got != 3 {
			t.Errorf("%d lines tell how many were withheld:\n%s", got, log.String())
		}
	})
}

func TestBurstsAreBounded(t *testing.T) {
	var b bursts
	now := time.Now()
	told := 0
	for i := range 10 * maxBursts {
		if _, yes := b.tell(fmt.Sprint(i), now); yes {
			told++
		}
	}
	if told > maxBursts+1 || len(b.seen) > maxBursts+1 {
		t.Errorf("%d told, %d kept", told, len(b.seen))
	}
}
