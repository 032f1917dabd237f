package ocppsim

// listEntry is one token of a local list, in the words of no version.
type listEntry struct {
	token    string
	accepted bool
	gone     bool // it is to be taken from the list
}

// takeList takes a whole list, or changes to it. It refuses changes that are not newer
// than what it has (16§5.15, P2 D01). mu is held.
func (c *Charger) takeList(whole bool, version int, entries []listEntry) bool {
	if !whole && version <= c.listVersion {
		return false
	}
	if whole || c.list == nil {
		c.list = map[string]bool{}
	}
	for _, e := range entries {
		if e.gone {
			delete(c.list, e.token)
		} else {
			c.list[e.token] = e.accepted
		}
	}
	c.listVersion = version
	return true
}
