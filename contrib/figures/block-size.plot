# SPDX-License-Identifier: GPL-3.0-or-later
# gnuplot -c block-size.plot CSV PICTURE.svg
set terminal svg size 640,420 font 'sans-serif,13' background '#ffffff' name 'block_size'
set output ARG2
set datafile separator ','
set logscale xy
set xrange [400:41000]
set yrange [*:*]
set xtics ('0.5' 512, '1' 1024, '2' 2048, '4' 4096, '8' 8192, '16' 16384, '32' 32768)
set format y '%g'
set grid xtics ytics linecolor '#dddddd'
set border 3 linecolor '#444444'
set tics nomirror
set xlabel 'size of a request, KiB'
set ylabel 'active energy, J per MiB read'
set key top right
plot ARG1 using 1:2 skip 1 with linespoints linewidth 2 pointtype 7 linecolor '#b03a2e' \
		title 'driver (storage daemon, CPU)', \
	ARG1 using 1:3 skip 1 with linespoints linewidth 2 pointtype 5 linecolor '#1f618d' \
		title 'disk'
