package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"busbar/devices"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	retryAfter     = time.Second      // pause between two connections
	connectTimeout = 5 * time.Second  // for connection and subscription each
	keepAlive      = 10 * time.Second // a dead link is seen after this and pingTimeout
	pingTimeout    = 5 * time.Second
	// pace is the least time between two looks into the inbox, which bounds what a
	// flood of messages costs.
	pace = 100 * time.Millisecond
)

// Subscriber takes the readings of one device from a broker.
type Subscriber struct {
	config Config
}

// New checks c and makes a subscriber that is not connected yet. The error names
// everything that is wrong.
func New(c Config) (*Subscriber, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Subscriber{config: c}, nil
}

// Run connects, subscribes and posts readings until ctx ends, and then returns nil. It
// connects anew a second after every error. While no complete sample comes it posts a
// fault every Quiet, and one for each connection that failed or broke.
func (s *Subscriber) Run(ctx context.Context) error {
	state := newAssembly(s.config)
	for {
		err := s.session(ctx, state)
		if ctx.Err() != nil {
			return nil
		}
		s.config.OnFailure(asFault(err))
		timer := time.NewTimer(retryAfter)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// session is one connection, from dial to its end.
func (s *Subscriber) session(ctx context.Context, state *assembly) error {
	in, lost := newInbox(), make(chan error, 1)
	l := &link{config: &s.config, ctx: ctx}
	defer l.close()
	client := paho.NewClient(l.options(lost))
	defer client.Disconnect(100)
	connecting := client.Connect()
	if err := settle(ctx, lost, connecting); err != nil {
		// Disconnect does nothing while the library still connects, which would
		// leave its goroutines behind.
		l.close()
		<-connecting.Done()
		return fmt.Errorf("cannot connect to broker %s: %w", s.config.Broker, err)
	}
	if err := s.subscribe(ctx, client, in, lost); err != nil {
		return err
	}
	asks := make(chan Request)
	stop := s.startRequests(ctx, asks)
	defer stop()
	quiet := time.NewTimer(s.config.Quiet)
	defer quiet.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	var ready <-chan struct{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-lost:
			return fmt.Errorf("lost broker %s: %w", s.config.Broker, err)
		case r := <-asks:
			client.Publish(r.Topic, 0, false, r.Payload)
		case <-rest.C:
			ready = in.ready
		case <-ready:
			ready = nil
			rest.Reset(pace)
			if at, ok := s.digest(state, in.take()); ok {
				if left := time.Until(at.Add(s.config.Quiet)); left > 0 {
					quiet.Reset(left)
				}
			}
		case <-quiet.C:
			quiet.Reset(s.config.Quiet)
			s.config.OnFailure(quietFault(state.missing(), s.config.Quiet))
		}
	}
}

// digest applies messages and posts what they make. It returns the time of the
// reading, if that made one.
func (s *Subscriber) digest(state *assembly, messages []message) (at time.Time, ok bool) {
	var failed *devices.Fault
	for _, m := range messages {
		if err := state.apply(m); err != nil {
			failed = devices.NewFault(devices.Unusable, err)
		}
	}
	now := time.Now()
	r, complete, err := state.reading(now)
	if err != nil {
		failed = devices.AsFault(err)
	}
	if failed != nil && now.Sub(state.failedAt) >= retryAfter {
		state.failedAt = now
		s.config.OnFailure(failed)
	}
	if complete {
		s.config.OnReading(r)
	}
	return r.At, complete
}

func (s *Subscriber) subscribe(ctx context.Context, client paho.Client, in *inbox, lost chan error) error {
	topics := map[string]byte{}
	for _, f := range s.config.Fields {
		topics[f.Topic] = s.config.QoS
	}
	token := client.SubscribeMultiple(topics, func(_ paho.Client, m paho.Message) {
		if !m.Retained() {
			in.put(message{topic: m.Topic(), payload: m.Payload(), at: time.Now()})
		}
	})
	if err := settle(ctx, lost, token); err != nil {
		return fmt.Errorf("cannot subscribe at broker %s: %w", s.config.Broker, err)
	}
	if t, ok := token.(*paho.SubscribeToken); ok {
		for topic, code := range t.Result() {
			if code > 2 {
				return fmt.Errorf("cannot subscribe at broker %s: %w", s.config.Broker, &denied{topic})
			}
		}
	}
	return nil
}

// startRequests sends each request at once and then at its interval, until stop. The
// loop of the session takes them, so that no one publishes on an ended connection.
func (s *Subscriber) startRequests(ctx context.Context, asks chan<- Request) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	running := 0
	for _, r := range s.config.Requests {
		running++
		go func() {
			defer func() { done <- struct{}{} }()
			ticker := time.NewTicker(r.Every)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case asks <- r:
				}
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
			}
		}()
	}
	return func() {
		cancel()
		for range running {
			<-done
		}
	}
}

// settle waits for a token, but not longer than connection and patience last.
func settle(ctx context.Context, lost <-chan error, token paho.Token) error {
	timer := time.NewTimer(2 * connectTimeout)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-lost:
		return err
	case <-timer.C:
		return context.DeadlineExceeded
	case <-token.Done():
		return token.Error()
	}
}

// link is the network side of one session: it dials for the client library and can
// end what the library would keep open.
type link struct {
	config *Config
	ctx    context.Context // of the session: it is the lifetime of the connection
	cancel context.CancelFunc
}

func (l *link) options(lost chan error) *paho.ClientOptions {
	l.ctx, l.cancel = context.WithCancel(l.ctx)
	c := l.config
	return paho.NewClientOptions().AddBroker(c.Broker).SetClientID(c.ClientID).
		SetUsername(c.Username).SetPassword(c.Password).
		SetProtocolVersion(4).SetCleanSession(true).SetOrderMatters(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetResumeSubs(false).
		SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout).
		SetWriteTimeout(connectTimeout).SetConnectTimeout(connectTimeout).
		SetCustomOpenConnectionFn(l.open).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			select {
			case lost <- err:
			default:
			}
		})
}

// open dials. The connection ends with the session, whatever the library does.
func (l *link) open(broker *url.URL, _ paho.ClientOptions) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.ctx, connectTimeout)
	defer cancel()
	conn, err := l.config.Dial(ctx, "tcp", broker.Host)
	if err != nil {
		return nil, err
	}
	if broker.Scheme == "ssl" {
		settings := l.config.TLS.Clone()
		if settings == nil {
			settings = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if settings.ServerName == "" {
			settings.ServerName = broker.Hostname()
		}
		secure := tls.Client(conn, settings)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	guarded := &guard{Conn: conn}
	context.AfterFunc(l.ctx, func() { _ = guarded.Close() })
	return guarded, nil
}

// close ends the connection and any dial.
func (l *link) close() {
	if l.cancel != nil {
		l.cancel()
	}
}

// denied is a topic that the broker doesn't let us read.
type denied struct{ topic string }

func (d *denied) Error() string { return "broker denies topic " + d.topic }

func asFault(err error) *devices.Fault {
	if _, ok := errors.AsType[*denied](err); ok {
		return &devices.Fault{Kind: devices.Refused, Err: err, Remedy: "Give this user the right to read the topic."}
	}
	if errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised) {
		return &devices.Fault{Kind: devices.Refused, Err: err, Remedy: "Check user name and password at the broker."}
	}
	return &devices.Fault{Kind: devices.Unreachable, Err: err, Remedy: "Check that the broker runs and its address and port; a client id must be used only once."}
}

func quietFault(missing slot, quiet time.Duration) *devices.Fault {
	if missing.at.IsZero() {
		return devices.NewFault(devices.Quiet, fmt.Errorf("no value for %s on topic %s in %s (retained messages don't count)", missing.Measurand, missing.Topic, quiet))
	}
	return devices.NewFault(devices.Quiet, fmt.Errorf("no new value for %s on topic %s in %s", missing.Measurand, missing.Topic, quiet))
}
