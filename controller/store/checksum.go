package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"busbar/controller"
)

// sumSize is how much of a SHA-256 is kept per row.
const sumSize = 16

// digest hashes values in a form in which no two different lists look alike: each
// carries its type and length.
func digest(values ...any) []byte {
	var buf bytes.Buffer
	put := func(kind byte, b []byte) {
		buf.WriteByte(kind)
		buf.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		buf.Write(b)
	}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			put('n', nil)
		case int64:
			put('i', binary.BigEndian.AppendUint64(nil, uint64(v)))
		case string:
			put('s', []byte(v))
		case []byte:
			put('b', v)
		default:
			panic(fmt.Sprintf("store: digest of %T", v))
		}
	}
	sum := sha256.Sum256(buf.Bytes())
	return sum[:sumSize]
}

// outboxSum is the checksum of an outbox row; prev chains it to the row before it in
// its lane, so that a missing row shows.
func outboxSum(prev []byte, id int64, r controller.OutboxRow) []byte {
	return digest(prev, id, int64(r.Tx), int64(r.Slot), string(r.Kind), r.Token, millis(r.At), []byte(r.Body))
}

func wireSum(rowSum []byte, messageID string, wire []byte) []byte {
	return digest(rowSum, messageID, wire)
}

func upSum(tx controller.TxID, up controller.UpstreamTx) []byte {
	return digest(int64(tx), string(up))
}

// millis is a time as it is stored: nil for none.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
