package memnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func connect(t *testing.T, n *Network) (near, far net.Conn) {
	t.Helper()
	l, err := n.Listen("box:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	near, err = n.DialContext(t.Context(), "tcp", "box:1")
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

func TestCrossingWritesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New())
		for _, c := range []net.Conn{near, far} {
			if _, err := c.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []net.Conn{near, far} {
			if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestDeadlineEndsAWaitingReadAndCanBeMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New())
		start := time.Now()
		_ = near.SetReadDeadline(start.Add(3 * time.Second))
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Fatalf("read ended with %v after %v, want deadline exceeded after 3s", err, time.Since(start))
		}
		_ = near.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Minute)
			_, _ = far.Write([]byte("y"))
		}()
		if n, err := near.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("read after the deadline was lifted: %d, %v", n, err)
		}
	})
}

func TestFullBufferWaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New())
		_ = near.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := near.Write(make([]byte, bufferSize+1))
		if n != bufferSize || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v; want %d and deadline exceeded", n, err, bufferSize)
		}
		_ = far.Close()
		if _, err := near.Write([]byte("z")); err == nil {
			t.Fatal("write to a closed peer succeeded")
		}
	})
}

func TestCloseDeliversWhatWasWritten(t *testing.T) {
	near, far := connect(t, New())
	_, _ = near.Write([]byte("last words"))
	_ = near.Close()
	got, err := io.ReadAll(far)
	if string(got) != "last words" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	_ = far.Close()
}

func TestCutBreaksAndRefusesUntilMend(t *testing.T) {
	n := New()
	near, far := connect(t, n)
	n.Cut("box:1")
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("far read: %v, want reset", err)
	}
	if _, err := near.Write([]byte("a")); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("near write: %v, want reset", err)
	}
	if _, err := n.DialContext(t.Context(), "tcp", "box:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("dial while cut: %v, want refused", err)
	}
	n.Mend("box:1")
	c, err := n.DialContext(t.Context(), "tcp", "box:1")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
