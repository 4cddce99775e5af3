import conveyor as cv, sys
from conveyor.diagram.blocks import blocks_of
for n in sys.argv[1:] or cv.cells:
    b=blocks_of(cv.cells[n].program)
    print("==",n, "belts", b.belts, "results", b.results)
    for k,x in b.of.items(): print("  ",k,x.kind,repr(x.label),x.name,[(w.source,w.by,w.label) for w in x.inputs], "normed" if x.normed else "")
