package mqtt

import (
	"sync"
	"time"
)

const (
	// maxPayload is more than any meter has to say.
	maxPayload = 64 << 10
	// backlog is how many messages of one topic wait at most; then the oldest goes.
	// More than one, since some devices send a message per value on one topic.
	backlog = 8
)

type message struct {
	topic   string
	payload []byte
	at      time.Time
}

// inbox is where the library's goroutines leave messages: a bounded number per topic,
// the newest win, and nobody ever waits.
type inbox struct {
	ready chan struct{} // holds one token while there is something

	mu       sync.Mutex
	messages []message
	waiting  map[string]int
}

func newInbox() *inbox {
	return &inbox{ready: make(chan struct{}, 1), waiting: map[string]int{}}
}

func (b *inbox) put(m message) {
	if len(m.payload) > maxPayload {
		return
	}
	b.mu.Lock()
	if b.waiting[m.topic] == backlog {
		for i := range b.messages {
			if b.messages[i].topic == m.topic {
				b.messages = append(b.messages[:i], b.messages[i+1:]...)
				break
			}
		}
		b.waiting[m.topic]--
	}
	b.messages = append(b.messages, m)
	b.waiting[m.topic]++
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.messages
	b.messages = nil
	clear(b.waiting)
	return out
}
