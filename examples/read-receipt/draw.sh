#!/bin/sh
# Draws receipt.png, once: what a till prints, then what a camera makes of it - turned a little, unevenly lit, blurred,
# noisy, in few shades. Needs ImageMagick 6 and the DejaVu fonts; receipt.png is committed, so nobody else does.
set -eu
cd "$(dirname "$0")"

MONO=DejaVu-Sans-Mono
set -- -size 620x900 xc:'#f4f2ec' -fill '#26262b' \
  -font DejaVu-Sans-Bold -pointsize 38 -gravity north -annotate +0+48 'CORNER BOOKS' \
  -font DejaVu-Sans -pointsize 21 -annotate +0+104 '14 Harbour Street, Ningbo' \
  -annotate +0+136 'Tel 0574 5550 142' \
  -font $MONO -pointsize 22 -gravity northwest \
  -annotate +46+196 'Receipt 004187' \
  -annotate +46+230 '2026-11-20  17:42' -gravity northeast -annotate +46+230 'Till 4'
y=300
for item in 'Field Guide to Birds|18.90' 'Graph Paper A4, 80 sheets|6.35' 'Fountain Pen, medium nib|22.25'; do
  set -- "$@" -gravity northwest -annotate "+46+$y" "${item%|*}" -gravity northeast -annotate "+46+$y" "${item#*|}"
  y=$((y + 44))
done
set -- "$@" \
  -gravity northwest -annotate +46+462 'Items' -gravity northeast -annotate +46+462 '3' \
  -gravity northwest -annotate +46+500 'Subtotal' -gravity northeast -annotate +46+500 '44.81' \
  -gravity northwest -annotate +46+538 'VAT 6 %' -gravity northeast -annotate +46+538 '2.69' \
  -font DejaVu-Sans-Mono-Bold -pointsize 32 \
  -gravity northwest -annotate +46+596 'TOTAL CNY' -gravity northeast -annotate +46+596 '47.50' \
  -font $MONO -pointsize 21 -gravity northwest -annotate +46+676 'Card' \
  -gravity northeast -annotate +46+676 '**** **** **** 2208' \
  -font DejaVu-Sans-Oblique -pointsize 23 -gravity north -annotate +0+756 'Thank you, come again' \
  -stroke '#66666c' -strokewidth 1.5 -draw 'stroke-dasharray 6 5 line 46,278 574,278' \
  -draw 'stroke-dasharray 6 5 line 46,444 574,444' -draw 'stroke-dasharray 6 5 line 46,656 574,656' -stroke none

convert "$@" paper.miff
convert paper.miff -background '#57534c' -bordercolor '#57534c' -border 24x20 \
  -distort SRT '333,470 0.97 -1.7 333,470' \
  \( -size 668x940 gradient:'#ffffff'-'#c9c6c0' -rotate 0 \) -compose multiply -composite \
  -blur 0x0.55 -attenuate 0.2 -seed 4187 +noise Gaussian -colorspace Gray -posterize 16 -depth 8 \
  -define png:compression-level=9 -define png:color-type=0 -define png:bit-depth=8 -strip receipt.png
rm paper.miff
