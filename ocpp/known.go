package ocpp

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
)

// cacheSize is how many answers are kept for repeated CALLs.
const cacheSize = 64

// answers are those given last: the same id with the same action and content gets the
// same answer again and is not carried out twice. They belong to who handles CALLs.
type answers struct {
	seed    maphash.Seed
	entries []answered // circular; grows up to cacheSize
	oldest  int
}

// answered is an answer with the sum of its CALL. Ids of one charger often differ in
// their last digit only, so that the sum is compared first.
type answered struct {
	sum     uint64
	id      string
	payload json.RawMessage
}

// sum is that of a CALL's action and content, with a seed that no peer knows: two of one
// id that differ have the same one by a chance of one in 2^64.
func (k *answers) sum(r *Request) uint64 {
	if k.seed == (maphash.Seed{}) {
		k.seed = maphash.MakeSeed()
	}
	return maphash.String(k.seed, r.Action) ^ maphash.Bytes(k.seed, r.Payload)
}

func (k *answers) find(id string, sum uint64) (payload json.RawMessage, ok bool) {
	for i := range k.entries {
		if e := &k.entries[i]; e.sum == sum && e.id == id {
			return e.payload, true
		}
	}
	return nil, false
}

func (k *answers) add(id string, sum uint64, payload json.RawMessage) {
	e := answered{sum: sum, id: id, payload: payload}
	if len(k.entries) < cacheSize {
		k.entries = append(k.entries, e)
		return
	}
	k.entries[k.oldest] = e
	k.oldest = (k.oldest + 1) % cacheSize
}

// remember tells whether a repeated CALL is to be answered from memory. One without
// content carries nothing that could be carried out twice; it is a question (as
// Heartbeat), and some chargers use one id for all of those.
func remember(payload json.RawMessage) bool {
	return len(bytes.TrimSpace(payload[1:len(payload)-1])) > 0
}
