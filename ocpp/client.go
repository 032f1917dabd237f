package ocpp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// ClientConfig is how a charging station connects.
type ClientConfig struct {
	URL       string // endpoint; "/" + url.PathEscape(Identity) is appended
	Identity  string
	Protocols []Protocol // best first
	Password  string     // Basic auth (user = Identity) when not ""
	TLS       *tls.Config
	// DialContext opens the TCP connection; nil = net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Generation is what Conn.Generation tells, counted by the caller.
	Generation uint64
	Options    Options
}

// clientMaxMessage is the default of Options.MaxMessage on this side.
const clientMaxMessage = 4 << 20

// DialError is a handshake that the server refused.
type DialError struct {
	Status int    // of HTTP; 101: it agreed to none of our versions
	Reason string // what the server said
}

func (e *DialError) Error() string {
	return fmt.Sprintf("cannot connect: the server refused with %d: %s", e.Status, e.Reason)
}

// Dial connects. The error is a *DialError when the server refused, else that of the
// network. The connection works until it is closed from either side, whatever
// becomes of ctx.
func Dial(ctx context.Context, cfg ClientConfig) (*Conn, error) {
	target, err := endpoint(cfg.URL, cfg.Identity)
	if err != nil {
		return nil, err
	}
	d := websocket.Dialer{
		NetDialContext:    cfg.DialContext,
		TLSClientConfig:   cfg.TLS,
		HandshakeTimeout:  30 * time.Second,
		EnableCompression: slices.ContainsFunc(cfg.Protocols, deflates),
	}
	for _, p := range cfg.Protocols {
		d.Subprotocols = append(d.Subprotocols, string(p))
	}
	header := http.Header{}
	if cfg.Password != "" {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(cfg.Identity+":"+cfg.Password)))
	}
	ws, resp, err := d.DialContext(ctx, target, header)
	if err != nil && d.EnableCompression && strings.Contains(err.Error(), invalidCompression) {
		d.EnableCompression = false // it is worth nothing compared with a connection
		ws, resp, err = d.DialContext(ctx, target, header)
	}
	if err != nil {
		return nil, dialError(resp, err)
	}
	protocol := Protocol(ws.Subprotocol())
	if !slices.Contains(cfg.Protocols, protocol) {
		_ = ws.Close()
		return nil, &DialError{Status: http.StatusSwitchingProtocols, Reason: fmt.Sprintf("it chose %q of %v", protocol, cfg.Protocols)}
	}
	c := newConn(ws, cfg.Options.withDefaults(clientMaxMessage), &shared{})
	c.identity, c.protocol, c.generation = cfg.Identity, protocol, cfg.Generation
	c.start(nil)
	return c, nil
}

func endpoint(base, identity string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return "", fmt.Errorf("cannot connect: %q is no ws:// or wss:// address", base)
	}
	if identity == "" {
		return "", errors.New("cannot connect: no identity is set")
	}
	path := strings.TrimRight(u.EscapedPath(), "/") + "/" + url.PathEscape(identity)
	u.RawPath = path
	if u.Path, err = url.PathUnescape(path); err != nil {
		return "", fmt.Errorf("cannot connect: %q has an unreadable path", base)
	}
	return u.String(), nil
}

func dialError(resp *http.Response, err error) error {
	if resp == nil || !errors.Is(err, websocket.ErrBadHandshake) {
		return fmt.Errorf("cannot connect: %w", err)
	}
	reason, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	text := strings.TrimSpace(string(reason))
	if text == "" {
		text = http.StatusText(resp.StatusCode)
	}
	return &DialError{Status: resp.StatusCode, Reason: strings.ToValidUTF8(text, "")}
}

// BackOff is the wait between attempts to connect (2.0.1 Part 4 §8.1): Min doubles
// Repeat times at most, plus a random part.
type BackOff struct {
	Min    time.Duration // 10 s
	Repeat int           // 5
	Random time.Duration // 10 s
}

// Wait is how long to wait before the next attempt; attempt counts from 0 and is
// reset by a success, random is in [0,1).
func (b BackOff) Wait(attempt int, random float64) time.Duration {
	if b == (BackOff{}) {
		b = BackOff{Min: 10 * time.Second, Repeat: 5, Random: 10 * time.Second}
	}
	return b.Min<<min(max(attempt, 0), b.Repeat, 20) + time.Duration(random*float64(b.Random))
}
